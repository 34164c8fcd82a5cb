import assert from 'node:assert'
import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { status } from '@grpc/grpc-js'
import t from 'tap'
import { Federation, type ReadSplitRequest } from '../../proto/gen/spillway/v1/federation_pb.ts'
import { openTicket, sealTicket } from '../../service/planning/ticket.ts'
import { TicketKeys } from '../../service/planning/ticket-keys.ts'
import { growth, scrapeMetrics } from '../../service/demo/scrape-metrics.ts'
import { failureOf, federationClient, readAll } from '../support/federation-client.ts'
import { goldenBytes } from '../support/golden-files.ts'
import { largeFile } from '../support/large-table.ts'
import { gatewaySettings, startGatewayProcess } from '../support/start-gateway-process.ts'
import { minioBinary, startMinio } from '../support/start-minio.ts'
import { storeClient } from '../support/store-client.ts'
import { startTcpProxy } from '../support/tcp-proxy.ts'
import { texts, writeParquet } from '../support/write-parquet.ts'
import { holderOf, openingOf } from '../support/ticket-holder.ts'

const schema = 'lake'
const name = { schema, table: 'orders' }
const ticketKey = randomBytes(32).toString('base64')
const isSkipped = minioBinary() === undefined && 'there is no minio binary: NOT TESTED'

t.setTimeout(180_000)

// Tens of milliseconds alone; a machine that does much else takes longer.
const late = async (what: string): Promise<never> => {
  await sleep(15_000, undefined, { ref: false })
  throw new Error(what)
}

t.test('calls over a real MinIO', { skip: isSkipped, timeout: 120_000 }, async (t) => {
  const minio = await startMinio()
  t.teardown(() => minio.stop())
  const proxy = await startTcpProxy(minio.url)
  t.teardown(() => proxy.close())
  const client = storeClient(minio)
  await client.makeBucket(schema)
  const put = (table: string, bytes: Uint8Array) =>
    client.putObject(schema, `tables/${table}/1.parquet`, Buffer.from(bytes))
  // 100 MB in 40 row groups of 2.5 MB.
  const file = largeFile({ seed: 1, rowCount: 500_000, rowsPerGroup: 12_500 })
  await put('orders', file.bytes)
  const gateway = await startGatewayProcess(
    gatewaySettings({ ...minio, url: proxy.url }, { SPILLWAY_TICKET_KEYS: ticketKey }),
  )
  t.teardown(() => gateway.stop())
  const federation = federationClient(gateway.grpc)
  t.teardown(() => federation.close())

  const planOne = async (table: string): Promise<ReadSplitRequest> => {
    const [split] = await federation.plan({ schema, table })
    assert(split)
    return split
  }
  const read = (split: ReadSplitRequest) => federation.readSplit(split)

  const scansEnded = async () => {
    for (let attempt = 0; attempt < 50; attempt += 1) {
      if ((await scrapeMetrics(gateway.http)).get('spillway_scans_active') === 0) return true
      await sleep(20)
    }
    return false
  }

  t.test('an error has its status, its code in the message and in the trailer', async (t) => {
    const { describeTable, planSplits } = Federation.method
    const expected = async (
      code: string,
      grpc: status,
      failing: Parameters<typeof failureOf>[0],
    ) => {
      const failure = await failureOf(failing)
      t.match(failure, { code, status: grpc, details: new RegExp(`^${code}: \\S`) }, code)
    }
    const nobody = federation.call(describeTable, { schema, table: 'nobody' })
    await expected('table_not_found', status.NOT_FOUND, nobody)
    const nowhere = federation.call(planSplits, { schema: 'nowhere', table: 'orders' })
    await expected('table_not_found', status.NOT_FOUND, nowhere)
    const split = await planOne('orders')
    const elsewhere = { ...split, table: 'others' }
    await expected('invalid_request', status.INVALID_ARGUMENT, read(elsewhere))
    const unschemed = { ...split, arrowSchema: Uint8Array.of(1, 2, 3) }
    await expected('invalid_request', status.INVALID_ARGUMENT, read(unschemed))
    const nonsense = federation.call(planSplits, { ...name, constraintsJson: '{' })
    await expected('invalid_request', status.INVALID_ARGUMENT, nonsense)
    await put('wide', writeParquet([['text', texts(['x'.repeat(17_000_000)])]]))
    await expected('too_large', status.OUT_OF_RANGE, read(await planOne('wide')))
    await put('sealed', Buffer.concat([Buffer.from('PARE'), Buffer.alloc(64), Buffer.from('PARE')]))
    const sealed = federation.call(describeTable, { schema, table: 'sealed' })
    await expected('unsupported', status.UNIMPLEMENTED, sealed)
    await put('cut', file.bytes.subarray(0, 4096))
    const cut = federation.call(describeTable, { schema, table: 'cut' })
    await expected('unreadable_file', status.DATA_LOSS, cut)
    await put('moving', goldenBytes('one_row'))
    const moved = await planOne('moving')
    await put('moving', goldenBytes('all_null'))
    await expected('object_changed', status.ABORTED, read(moved))
  })

  t.test('a ticket that is not ours or too old asks nothing of the store', async (t) => {
    const split = await planOne('orders')
    const keys = new TicketKeys([ticketKey])
    const opened = openTicket(split.ticket, openingOf(keys, Date.now()))
    const altered = Buffer.from(split.ticket)
    altered[altered.length - 20] = (altered[altered.length - 20] ?? 0) ^ 1
    const foreign = new TicketKeys([randomBytes(32).toString('base64')])
    const tickets = {
      altered,
      cut: split.ticket.subarray(0, -1),
      empty: new Uint8Array(),
      'of random bytes': randomBytes(split.ticket.length),
      'sealed by another key': sealTicket(opened, foreign, holderOf()),
      expired: sealTicket({ ...opened, expiresMs: Date.now() - 1 }, keys, holderOf()),
    }
    const before = await scrapeMetrics(gateway.http)
    const wire = { bytes: proxy.answeredBytes(), connections: proxy.connectionCount() }
    for (const [what, ticket] of Object.entries(tickets)) {
      const failure = await failureOf(read({ ...split, ticket }))
      t.match(failure, { status: status.INVALID_ARGUMENT, code: 'invalid_request' }, what)
    }
    const after = await scrapeMetrics(gateway.http)
    t.equal(growth(before, after, 'spillway_store_requests_total'), 0)
    t.strictSame({ bytes: proxy.answeredBytes(), connections: proxy.connectionCount() }, wire)
    const fresh = sealTicket({ ...opened, expiresMs: Date.now() + 60_000 }, keys, holderOf())
    const limited = { ...split, ticket: fresh, constraintsJson: '{"limit":1}' }
    t.ok((await readAll(read(limited))).length > 0, 'the same split with time left is read')
    t.ok(proxy.answeredBytes() > wire.bytes, 'and that is seen')
  })

  t.test('a client that leaves ends the reads of its stream', async (t) => {
    const split = { ...(await planOne('orders')), blockBytesTarget: 1_000_000 }
    // Reads of data stop in the middle of an answer: only an abort ends them.
    proxy.faults.stallAfterBytes = 6_000_000
    t.teardown(() => delete proxy.faults.stallAfterBytes)
    const stream = read(split)
    stream.on('error', () => {}).resume()
    await Promise.race([proxy.whenStalled(1), late('no read has stalled')])
    stream.cancel()
    await Promise.race([proxy.whenStalled(0), late('sockets are still open')])
    t.ok(proxy.answeredBytes() < file.bytes.length)
    t.ok(await scansEnded(), 'its scan is over')
  })

  t.test('clients that leave give back all memory', async (t) => {
    const split = await planOne('orders')
    const before = await scrapeMetrics(gateway.http)
    // A lost block of 13 MB each would fill the worker's 256 MiB, and the last reader would wait for ever.
    const leave = async () => {
      const stream = read(split)
      stream.on('error', () => {})
      t.equal((await stream[Symbol.asyncIterator]().next()).done, false)
      stream.cancel()
    }
    for (let round = 0; round < 6; round += 1)
      await Promise.all([leave(), leave(), leave(), leave()])
    const blocks = await readAll(read(split))
    t.ok(blocks.length > 5, `${blocks.length} blocks`)
    t.ok(await scansEnded())
    const after = await scrapeMetrics(gateway.http)
    const bytes = growth(before, after, 'spillway_store_read_bytes_total')
    t.ok(bytes < 25 * file.bytes.length, 'and what they left was not read to its end')
  })

  t.test('a deadline ends a read as the client leaving does', async (t) => {
    const split = await planOne('orders')
    const deadline = new Date(Date.now() + 300)
    const stream = federation.readSplit(split, { deadline })
    const rest = async () => {
      for await (const _ of stream) await sleep(400)
    }
    t.match(await failureOf(rest()), { status: status.DEADLINE_EXCEEDED })
    t.ok(await scansEnded())
    // The caller's clock began earlier than the gateway's: whose deadline is first, nobody can say.
    const failed = gateway.log.findLast(({ msg }) => msg === 'call failed')
    t.match(failed, { method: 'ReadSplit', code: /^(deadline_exceeded|cancelled)$/ })
  })

  t.test('nothing of all that was a defect of ours', async (t) => {
    t.strictSame(
      gateway.log.filter(({ msg }) => msg === 'internal error'),
      [],
    )
    t.equal(gateway.errorText(), '')
  })
})
