import assert from 'node:assert'
import { createHash, randomBytes } from 'node:crypto'
import { status } from '@grpc/grpc-js'
import t from 'tap'
import type { ReadSplitRequest } from '../../proto/gen/spillway/v1/federation_pb.ts'
import {
  failureOf,
  federationClient,
  readAll,
  type FederationClient,
} from '../support/federation-client.ts'
import { largeFile } from '../support/large-table.ts'
import { gatewaySettings, startGatewayProcess } from '../support/start-gateway-process.ts'
import { minioBinary, startMinio } from '../support/start-minio.ts'
import { storeClient } from '../support/store-client.ts'

const table = { schema: 'lake', table: 'orders' }
const refused = { status: status.INVALID_ARGUMENT, code: 'invalid_request' }
const randomKey = () => randomBytes(32).toString('base64')

const isSkipped = minioBinary() === undefined && 'there is no minio binary: NOT TESTED'

t.test('two gateways over one MinIO', { skip: isSkipped, timeout: 120_000 }, async (t) => {
  const minio = await startMinio()
  t.teardown(() => minio.stop())
  const client = storeClient(minio)
  await client.makeBucket(table.schema)
  for (const seed of [1, 2]) {
    const { bytes } = largeFile({ seed, rowCount: 20_000, rowsPerGroup: 6_000 })
    await client.putObject(table.schema, `tables/orders/${seed}.parquet`, bytes)
  }

  const gateway = async (...keys: readonly string[]): Promise<FederationClient> => {
    const settings = { SPILLWAY_TICKET_KEYS: keys.join(','), SPILLWAY_SPLIT_BYTES: '1MiB' }
    const process = await startGatewayProcess(gatewaySettings(minio, settings))
    const federation = federationClient(process.grpc)
    t.teardown(async () => {
      federation.close()
      await process.stop()
    })
    return federation
  }
  const [oldKey, newKey] = [randomKey(), randomKey()]
  const [planner, reader, rotating, renewed] = await Promise.all([
    gateway(oldKey),
    gateway(oldKey),
    gateway(newKey, oldKey),
    gateway(newKey),
  ])

  t.test('a plan of one is read by the other, the same bytes each time', async (t) => {
    const splits = await planner.plan(table)
    t.ok(splits.length > 2, `${splits.length} splits`)
    const first = await blockHashes(reader, splits)
    t.ok(first.length >= splits.length)
    t.equal(new Set(first).size, first.length, 'no block twice')
    t.strictSame(await blockHashes(reader, splits), first, 'read again')
    t.strictSame(await blockHashes(planner, splits), first, 'read by the planner')
    t.strictSame(await blockHashes(reader, await reader.plan(table)), first, 'planned again')
  })

  t.test('a page of a plan is continued by the other', async (t) => {
    const whole = await planner.plan(table)
    const paged = await planner.plan({ ...table, splitCountMax: 1 }, reader)
    t.equal(paged.length, whole.length)
    t.strictSame(await blockHashes(reader, paged), await blockHashes(planner, whole))
  })

  t.test('another key opens neither ticket nor continuation', async (t) => {
    const [split] = await planner.plan(table)
    assert(split)
    t.match(await failureOf(renewed.readSplit(split)), {
      ...refused,
      details: /^invalid_request: the ticket .*plan again$/,
    })
    t.match(await failureOf(planner.plan({ ...table, splitCountMax: 1 }, renewed)), {
      ...refused,
      details: /^invalid_request: the continuation token .*plan again$/,
    })
    t.ok((await readAll(planner.readSplit(split))).length > 0, 'its own still reads it')
  })

  t.test('a new key before the old one: both open, the new one seals', async (t) => {
    const oldSplits = await planner.plan(table)
    const blocks = await blockHashes(planner, oldSplits)
    t.strictSame(await blockHashes(rotating, oldSplits), blocks)
    const newSplits = await rotating.plan(table)
    t.strictSame(await blockHashes(renewed, newSplits), blocks)
    const [newest] = newSplits
    assert(newest)
    t.match(await failureOf(planner.readSplit(newest)), refused)
  })
})

/** One hash for each block of each split, in order. */
async function blockHashes(
  gateway: FederationClient,
  splits: readonly ReadSplitRequest[],
): Promise<string[]> {
  const hashes: string[] = []
  for (const split of splits) {
    for (const { dataHeader, dataBody } of await readAll(gateway.readSplit(split))) {
      hashes.push(createHash('sha256').update(dataHeader).update(dataBody).digest('hex'))
    }
  }
  return hashes
}
