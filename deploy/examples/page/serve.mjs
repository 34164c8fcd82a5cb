// The page and the gateway under one address, so that no gateway has to trust other sites' pages:
// node serve.mjs http://127.0.0.1:8080 [PORT]; a token in SPILLWAY_TOKEN stays here, out of the page.
import { createReadStream } from 'node:fs'
import { createServer, request } from 'node:http'
import { pipeline } from 'node:stream'
import { fileURLToPath } from 'node:url'

const [gateway, port = '8000'] = process.argv.slice(2)
const token = process.env.SPILLWAY_TOKEN
const place = (name) => fileURLToPath(new URL(name, import.meta.url))
const arrow = fileURLToPath(new URL('Arrow.es2015.min.js', import.meta.resolve('apache-arrow')))
const files = {
  '/': ['text/html', place('index.html')],
  '/page.js': ['text/javascript', place('page.js')],
  '/arrow.js': ['text/javascript', arrow],
}

function forward(asked, answer) {
  const authorization = token && { authorization: `Bearer ${token}` }
  const headers = { ...asked.headers, host: new URL(gateway).host, ...authorization }
  const url = new URL(asked.url, gateway)
  const forwarded = request(url, { method: asked.method, headers }, (given) => {
    answer.writeHead(given.statusCode, given.headers)
    pipeline(given, answer, () => forwarded.destroy())
  })
  forwarded.on('error', () => answer.destroy())
  asked.pipe(forwarded)
}

const server = createServer((asked, answer) => {
  const [type, file] = files[asked.url] ?? []
  if (asked.url.startsWith('/v1/')) forward(asked, answer)
  else if (file === undefined) answer.writeHead(404).end()
  else
    createReadStream(file).pipe(answer.writeHead(200, { 'content-type': `${type}; charset=utf-8` }))
})
server.listen(Number(port), '127.0.0.1', () => {
  process.stdout.write(`http://127.0.0.1:${server.address().port}\n`)
})
