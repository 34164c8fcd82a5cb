import { readFileSync } from 'node:fs'
import { status } from '@grpc/grpc-js'
import t from 'tap'
import { errorCodes, GatewayError } from '../../../service/errors.ts'
import { grpcStatus, statusOf } from '../../../service/grpc/error-status.ts'

/** README's table of errors: code and gRPC status. */
function documented(): [string, string][] {
  const page = readFileSync(new URL('../../../README.md', import.meta.url), 'utf8')
  const rows = page.matchAll(/^\| `(\w+)` +\| \w+ +\| \d+ +\| ([A-Z_]+) +\|/gm)
  return [...rows].map(([, code = '', grpc = '']) => [code, grpc])
}

t.test('every code has the gRPC status of the published table', async (t) => {
  const kept = Object.entries(grpcStatus).map(([code, grpc]) => [code, status[grpc]])
  t.strictSame(kept, documented())
  t.strictSame(Object.keys(grpcStatus), Object.keys(errorCodes))
})

t.test('an error is `code: message`, with the code alone in the trailer', async (t) => {
  const cause = new Error('postgres://user:secret@host')
  const answer = statusOf(new GatewayError('table_not_found', 'there is no lake.orders', { cause }))
  t.equal(answer.code, status.NOT_FOUND)
  t.equal(answer.details, 'table_not_found: there is no lake.orders')
  t.strictSame(answer.metadata.getMap(), { 'spillway-code': 'table_not_found' })
})

t.test('when to ask again is told in whole seconds, rounded up', async (t) => {
  const answer = statusOf(new GatewayError('busy', 'too many scans', { retryAfterMs: 1_001 }))
  t.strictSame(answer.metadata.getMap(), { 'spillway-code': 'busy', 'retry-after': '2' })
})
