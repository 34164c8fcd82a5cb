// A Lambda function's runtime: one bundled file behind the Invoke API, in a process that holds nothing else.
//   node lambda-process-entry.mjs BUNDLE
import { once } from 'node:events'
import { createServer } from 'node:http'
import { text } from 'node:stream/consumers'
import { pathToFileURL } from 'node:url'

/** Lambda's longest run. */
const runMsMax = 900_000
const { handler } = await import(pathToFileURL(process.argv[2]).href)
let lastId = 0

const server = createServer((request, response) => {
  void answer(request).then(({ body, failed }) => {
    if (failed) response.setHeader('x-amz-function-error', 'Unhandled')
    response.end(JSON.stringify(body))
  })
}).listen(0, '127.0.0.1')
await once(server, 'listening')
process.stdout.write(`${JSON.stringify({ port: server.address().port })}\n`)

async function answer(request) {
  const endMs = Date.now() + runMsMax
  lastId += 1
  const context = {
    awsRequestId: `local-${lastId}`,
    getRemainingTimeInMillis: () => Math.max(0, endMs - Date.now()),
  }
  try {
    return { body: await handler(JSON.parse(await text(request)), context), failed: false }
  } catch (error) {
    return { body: { errorType: error.name, errorMessage: error.message }, failed: true }
  }
}
