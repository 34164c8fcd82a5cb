import { createHash } from 'node:crypto'
import { setTimeout as after } from 'node:timers/promises'
import type { ServiceError } from '@grpc/grpc-js'
import t from 'tap'
import type { Block, ReadSplitRequest } from '../../proto/gen/spillway/v1/federation_pb.ts'
import { type FederationClient, federationClient } from '../support/federation-client.ts'
import { largeFile } from '../support/large-table.ts'
import { peakResidentBytes } from '../support/resident-memory.ts'
import { gatewaySettings, startGatewayProcess } from '../support/start-gateway-process.ts'
import { minioBinary, startMinio } from '../support/start-minio.ts'
import { storeClient } from '../support/store-client.ts'

const STREAMS = 1_000
/** Fewer than such a gateway takes: without limits of their own, callers that stand still fill it for all. */
const STILL = 128
const CONNECTIONS = 24
const isSkipped = minioBinary() === undefined && 'there is no minio binary: NOT TESTED'

/** The hash of a split's blocks, or the word of its error. */
async function answerOf(client: FederationClient, request: ReadSplitRequest): Promise<string> {
  const hash = createHash('sha256')
  try {
    for await (const block of client.readSplit(request)) hash.update((block as Block).dataBody)
    return hash.digest('hex')
  } catch (reason) {
    const { metadata } = reason as ServiceError
    const word = metadata?.get('spillway-code')[0] ?? String(reason)
    return `${String(word)}, again after ${String(metadata?.get('retry-after')[0])} s`
  }
}

t.setTimeout(240_000)

t.test('a crowd at a gateway of 512 MB', { skip: isSkipped }, async (t) => {
  const store = await startMinio()
  t.teardown(() => store.stop())
  const lake = storeClient(store)
  await lake.makeBucket('lake')
  const { bytes } = largeFile({ seed: 1, rowCount: 4_000, rowsPerGroup: 2_000 })
  await lake.putObject('lake', 'tables/crowd/one.parquet', bytes)
  // Of 512 MB; the rest is for code, sockets and footers.
  const gateway = await startGatewayProcess(
    gatewaySettings(store, { SPILLWAY_MEMORY_BYTES: '192MiB' }),
  )
  t.teardown(() => gateway.stop())
  const clients = Array.from({ length: CONNECTIONS }, () => federationClient(gateway.grpc))
  const good = federationClient(gateway.grpc)
  t.teardown(() => [good, ...clients].forEach((client) => client.close()))
  const [request] = await good.plan({ schema: 'lake', table: 'crowd' })
  if (request === undefined) throw new Error('there is no split')
  const right = await answerOf(good, request)
  t.match(right, /^[0-9a-f]{64}$/)

  await t.test('all answers are right, or busy with a time to come again', async (t) => {
    const asked = Array.from({ length: STREAMS }, (_, index) =>
      answerOf(clients[index % CONNECTIONS] ?? good, request),
    )
    const counts = new Map<string, number>()
    for (const answer of await Promise.all(asked)) {
      counts.set(answer, (counts.get(answer) ?? 0) + 1)
    }
    t.comment(`${STREAMS} streams: ${JSON.stringify([...counts])}`)
    const others = [...counts.keys()].filter((answer) => answer !== right)
    t.ok(
      others.every((answer) => answer === 'busy, again after 2 s'),
      others.join(),
    )
    t.ok((counts.get(right) ?? 0) > 0)
  })

  await t.test('readers that stand still are not in the way of one that reads', async (t) => {
    const still = Array.from({ length: STILL }, (_, index) => {
      const stream = (clients[index % CONNECTIONS] ?? good).readSplit(request)
      stream.on('error', () => {})
      // The first message, and then no more.
      stream.once('readable', () => stream.read())
      return stream
    })
    await after(2_000)
    for (let read = 0; read < 5; read++) t.equal(await answerOf(good, request), right)
    for (const stream of still) stream.cancel()
  })

  t.comment(`peak of the process: ${Math.round((peakResidentBytes(gateway.pid) ?? 0) / 1e6)} MB`)
  t.equal(await answerOf(good, request), right)
  const metrics = await (await fetch(`${gateway.http}/metrics`)).text()
  t.match(metrics, /^spillway_workers_lost_total 0$/m)
  t.equal(await gateway.stop(), 0, 'nobody ended it')
})
