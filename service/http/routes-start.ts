import type { FastifyPluginAsync } from 'fastify'

const page = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>Spillway</title>
<h1>Spillway</h1>
<p>Parquet tables in object storage, as streams of Arrow record batches.
<ul>
<li><a href="/v1/schemas">Schemas and their tables</a>
<li>Rows: <code>/v1/read?schema=…&amp;table=…&amp;format=csv</code>
<li><a href="/openapi.json">All routes</a>
<li><a href="/readyz">Whether queries work now</a>, <a href="/metrics">metrics</a>
</ul>
`

/** `/`: where to go from here. */
export const startRoutes: FastifyPluginAsync = async (app) => {
  app.get(
    '/',
    { config: { api: { summary: 'A page of links', content: { 'text/html': {} } } } },
    async (_, reply) => reply.type('text/html; charset=utf-8').send(page),
  )
}
