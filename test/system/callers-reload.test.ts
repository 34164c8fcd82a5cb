import { createHash } from 'node:crypto'
import { rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import type { FlightData } from '../../proto/gen/arrow/flight/flight_pb.ts'
import { FlightService } from '../../proto/gen/arrow/flight/flight_pb.ts'
import { decodeSchemaMessage } from '../../service/arrow/schema-message.ts'
import { failureOf } from '../support/federation-client.ts'
import { flightClient, rowsOf } from '../support/flight-client.ts'
import { largeFile } from '../support/large-table.ts'
import { startSecretsManager } from '../support/start-secrets-manager.ts'
import { startStack } from '../support/start-stack.ts'

// The callers file changes under a gateway that works: what runs goes on, what comes is met by the new file.

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex')
const schema = 'lake-reload'
const ROWS = 40_000
const { bytes } = largeFile({ seed: 1, rowCount: ROWS, rowsPerGroup: 2_000 })

const fileOf = (token: string, rights = "{ schema: '*', table: '*' }") => `
roles: { r: { tables: [${rights}] }, o: { operator: true } }
callers:
  - { name: ann, roles: [r], tokens: [{ sha256: '${sha256(token)}' }] }
  - { name: root, roles: [o], tokens: [{ sha256: '${sha256('of-root')}' }] }
`

async function started(t: Test, shim: Readonly<Record<string, string>> = {}) {
  const file = join(t.testdir({ 'callers.yaml': fileOf('first') }), 'callers.yaml')
  const gateway = { SPILLWAY_CALLERS_FILE: file, BUCKET_PREFIX: 'lake-' }
  const stack = await startStack({ gateway, shim })
  t.teardown(() => stack.close())
  await stack.client.makeBucket(schema)
  await stack.client.putObject(schema, 'tables/large/a.parquet', Buffer.from(bytes))
  /** Replaces the file, and resolves when the gateway has told so many times what came of it. */
  const replace = async (text: string, told: string) => {
    const count = () => stack.log.filter((line) => line.includes(told)).length
    const before = count()
    await writeFile(`${file}.new`, text)
    await rename(`${file}.new`, file)
    while (count() === before) await new Promise((resolve) => setTimeout(resolve, 10))
  }
  const flightOf = (token: string) => {
    const flight = flightClient(stack.grpc, { authorization: `Bearer ${token}` })
    t.teardown(() => flight.close())
    return flight
  }
  const problems = async () => {
    const headers = { authorization: 'Bearer of-root' }
    const text = await (await fetch(`${stack.http}/metrics`, { headers })).text()
    return /^spillway_callers_file_problems (\d)$/m.exec(text)?.[1]
  }
  return { stack, replace, flightOf, problems }
}

t.test('a stream goes on while its caller gets another token', { timeout: 120_000 }, async (t) => {
  const { replace, flightOf } = await started(t)
  const [first, second] = [flightOf('first'), flightOf('second')]
  const info = await first.info({ schema, table: 'large' })
  const ticket = info.endpoint[0]?.ticket?.ticket ?? new Uint8Array()
  const { fields } = decodeSchemaMessage(info.schema)
  const stream = first.stream(FlightService.method.doGet, { ticket })
  let rowCount = 0
  let isReplaced = false
  for await (const data of stream) {
    if ((data as FlightData).dataBody.length > 0)
      rowCount += rowsOf(fields, data as FlightData).length
    if (isReplaced || rowCount === 0) continue
    t.ok(rowCount < ROWS, 'it is still under way')
    await replace(fileOf('second'), 'callers file read')
    t.match(await failureOf(first.info({ schema, table: 'large' })), { code: 'unauthenticated' })
    isReplaced = true
  }
  t.equal(rowCount, ROWS)
  const messages = await second.messages(ticket)
  t.ok(messages.length > 1, "the ticket is its caller's, whatever the token")
})

t.test('a broken file is shouted about and changes nothing', async (t) => {
  const { stack, replace, flightOf, problems } = await started(t)
  const flight = flightOf('first')
  t.equal(await problems(), '0')
  await replace('callers: [{ name: ann, token: canary }]', 'the new callers file is not taken')
  const shout = stack.log.find((line) => line.includes('is not taken')) ?? ''
  t.match(JSON.parse(shout), { level: 50, reason: /callers\[0\]\.token: no such member/ })
  t.notMatch(shout, /canary/)
  t.equal(await problems(), '1')
  await flight.info({ schema, table: 'large' })
  await replace(fileOf('second'), 'callers file read')
  t.equal(await problems(), '0')
  t.match(await failureOf(flight.info({ schema, table: 'large' })), { code: 'unauthenticated' })
})

t.test('rights that changed end what their tickets were for', async (t) => {
  const { replace, flightOf } = await started(t)
  const flight = flightOf('first')
  const info = await flight.info({ schema, table: 'large' })
  const ticket = info.endpoint[0]?.ticket?.ticket ?? new Uint8Array()
  await flight.messages(ticket)
  await replace(
    fileOf('first', "{ schema: '*', table: '*', rows: 'id < 10' }"),
    'callers file read',
  )
  const failure = await failureOf(flight.messages(ticket))
  t.match(
    failure.code,
    /^(forbidden|invalid_request|object_changed)$/,
    'planned under other rights',
  )
  const { rows } = await flight.read({ schema, table: 'large' })
  t.equal(rows.length, 10)
  await replace(fileOf('first', '{ schema: none, table: none }'), 'callers file read')
  t.match(await failureOf(flight.info({ schema, table: 'large' })), { code: 'table_not_found' })
})

t.test('the shim reads its token again when it is refused', { timeout: 120_000 }, async (t) => {
  const vault = await startSecretsManager('{"token":"first"}')
  process.env['AWS_ENDPOINT_URL_SECRETS_MANAGER'] = vault.url
  t.teardown(() => vault.close())
  const { stack, replace } = await started(t, { SPILLWAY_TOKEN_SECRET: 'spillway/token' })
  const signal = AbortSignal.timeout(60_000)
  const count = async () => {
    const result = await stack.engine().query({ schema, table: 'large', columns: ['id'] }, signal)
    let rows = 0
    for await (const _ of result.rows()) rows += 1
    return rows
  }
  t.equal(await count(), ROWS)
  t.equal(vault.asked.length, 1)
  await replace(fileOf('second'), 'callers file read')
  vault.current = '{"token":"second"}'
  t.equal(await count(), ROWS, 'the query did not fail')
  t.equal(vault.asked.length, 2)
  vault.current = '{"token":"wrong"}'
  await replace(fileOf('third'), 'callers file read')
  await t.rejects(count(), { message: /unauthenticated/ })
  t.match(stack.log.join(''), /"caller":"ann"/)
  t.notMatch(stack.log.join(''), /"token"|Bearer/)
})
