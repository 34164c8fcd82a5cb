import { createServer } from 'node:http'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import t from 'tap'
import type { Test } from 'tap'
import {
  functionFailure,
  invokeInProcess,
  invokeOverHttp,
  payloadBytesMax,
} from '../../../service/athena/invoke.ts'

const never = new AbortController().signal

/** A JSON object of exactly this many bytes. */
const sized = (sizeBytes: number) => ({ text: 'x'.repeat(sizeBytes - '{"text":""}'.length) })

t.test('only JSON crosses, both ways', async (t) => {
  let seen: unknown
  const event = { a: 1, gone: undefined, at: new Date(0) }
  const invoke = invokeInProcess(async (given) => {
    seen = given
    return { when: new Date(0), gone: undefined, list: [undefined] }
  })
  t.strictSame(await invoke(event, never), { when: '1970-01-01T00:00:00.000Z', list: [null] })
  t.strictSame(seen, { a: 1, at: '1970-01-01T00:00:00.000Z' })
  t.not(seen, event)
  t.equal(await invokeInProcess(async () => undefined)({}, never), null)
})

t.test('requests and responses may have 6,291,556 bytes and not one more', async (t) => {
  t.equal(payloadBytesMax, 6_291_556)
  const echo = invokeInProcess(async (event) => event)
  t.strictSame(await echo(sized(payloadBytesMax), never), sized(payloadBytesMax))
  await t.rejects(echo(sized(payloadBytesMax + 1), never), { code: 'too_large' })
  const large = invokeInProcess(async () => sized(payloadBytesMax + 1))
  await t.rejects(large({}, never), {
    code: 'too_large',
    cause: { errorType: 'Function.ResponseSizeTooLarge' },
  })
  const wide = invokeInProcess(async () => ({ text: 'é'.repeat(payloadBytesMax / 2) }))
  await t.rejects(wide({}, never), { code: 'too_large' }, 'bytes count, not characters')
})

t.test('gives the handler a context with the time left', async (t) => {
  let left = 0
  const invoke = invokeInProcess(
    async (_, context) => {
      left = context.getRemainingTimeInMillis()
      return { id: context.awsRequestId, arn: context.invokedFunctionArn }
    },
    { timeoutMs: 60_000, functionName: 'spillway' },
  )
  const first = (await invoke({}, never)) as { id: string; arn: string }
  const second = (await invoke({}, never)) as { id: string }
  t.ok(left > 0 && left <= 60_000)
  t.not(first.id, second.id)
  t.match(first.arn, /:function:spillway$/)
})

t.test('a handler that throws, even no error, is a typed failure', async (t) => {
  const thrower = (reason: unknown) =>
    invokeInProcess(async () => {
      throw reason
    })({}, never)
  const error = Object.assign(new Error('no such table'), { name: 'EntityNotFoundException' })
  const failure = await thrower(error).catch((reason: unknown) => reason)
  t.match(failure, { code: 'internal' })
  t.strictSame(functionFailure(failure), {
    errorType: 'EntityNotFoundException',
    errorMessage: 'no such table',
  })
  await t.rejects(thrower('text'), { cause: { errorType: 'string', errorMessage: 'text' } })
  await t.rejects(thrower(Object.assign(new Error('x'), { name: 'a.b.ThrottlingException' })), {
    code: 'busy',
  })
})

t.test('ends when the time or the caller is done', async (t) => {
  const hanging = invokeInProcess(() => new Promise(() => {}), { timeoutMs: 20 })
  await t.rejects(hanging({}, never), {
    code: 'deadline_exceeded',
    cause: { errorType: 'Sandbox.Timedout' },
  })
  const controller = new AbortController()
  const waiting = invokeInProcess(() => new Promise(() => {}))({}, controller.signal)
  controller.abort()
  await t.rejects(waiting, { code: 'cancelled' })
  await t.rejects(hanging({}, controller.signal), { code: 'cancelled' })
})

/** Lambda's Invoke API, as far as this test needs it. */
async function serve(
  t: Test,
  answer: (request: IncomingMessage, response: ServerResponse, body: string) => void,
) {
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => answer(request, response, Buffer.concat(chunks).toString()))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

t.test('speaks the Invoke API', async (t) => {
  const seen: string[] = []
  const url = await serve(t, (request, response, body) => {
    seen.push(`${request.method} ${request.url} ${body}`)
    response.end('{"ok":true}')
  })
  t.strictSame(await invokeOverHttp(url)({ a: 1 }, never), { ok: true })
  await invokeOverHttp(url, { functionName: 'mine' })({}, never)
  await invokeOverHttp(`${url}/other/path`)({}, never)
  t.strictSame(seen, [
    'POST /2015-03-31/functions/function/invocations {"a":1}',
    'POST /2015-03-31/functions/mine/invocations {}',
    'POST /other/path {}',
  ])
})

t.test('tells failures of the function from those of the way there', async (t) => {
  const failed = { 'x-amz-function-error': 'Unhandled' }
  const answers: [number, Record<string, string>, string, string][] = [
    [200, failed, '{"errorType":"E","errorMessage":"m"}', 'internal'],
    [200, failed, '{}', 'internal'],
    [200, {}, 'not json', 'internal'],
    [429, {}, '', 'busy'],
    [413, {}, '', 'too_large'],
    [503, {}, '', 'unavailable'],
    [404, {}, '', 'internal'],
    [200, {}, JSON.stringify(sized(payloadBytesMax + 1)), 'too_large'],
  ]
  const url = await serve(t, (request, response) => {
    const [status, headers, body] = answers[Number(request.url?.slice(1))] ?? [500, {}, '']
    response.writeHead(status, headers).end(body)
  })
  for (const [index, [status, , , code]] of answers.entries())
    await t.rejects(invokeOverHttp(`${url}/${index}`)({}, never), { code }, `HTTP ${status}`)
  await t.rejects(invokeOverHttp(`${url}/0`)({}, never), {
    cause: { errorType: 'E', errorMessage: 'm' },
  })
  await t.rejects(invokeOverHttp('http://127.0.0.1:1')({}, never), { code: 'unavailable' })
  const controller = new AbortController()
  controller.abort()
  await t.rejects(invokeOverHttp(url)({}, controller.signal), { code: 'cancelled' })
})
