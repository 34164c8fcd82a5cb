import { randomBytes, randomInt } from 'node:crypto'
import t from 'tap'
import { Federation } from '../../proto/gen/spillway/v1/federation_pb.ts'
import type { Caller } from '../../service/credentials/caller.ts'
import { anonymous } from '../../service/credentials/caller.ts'
import type { Split } from '../../service/planning/split.ts'
import { TicketKeys } from '../../service/planning/ticket-keys.ts'
import { openTicket, sealTicket } from '../../service/planning/ticket.ts'
import { randomNumbers } from '../support/columns-random.ts'
import { startCountingProxy } from '../support/counting-proxy.ts'
import { failureOf, federationClient, readAll } from '../support/federation-client.ts'
import { flightClient } from '../support/flight-client.ts'
import { forgedTickets, type RealTickets } from '../support/forged-tickets.ts'
import { largeFile } from '../support/large-table.ts'
import { gatewaySettings, startGatewayProcess } from '../support/start-gateway-process.ts'
import { minioBinary, startMinio } from '../support/start-minio.ts'
import { storeClient } from '../support/store-client.ts'
import { holderOf, openingOf } from '../support/ticket-holder.ts'

const FORGED = 100_000
const FORGED_AT_EACH_DOOR = 2_000
/** Of these sent at once, so that the doors are kept busy. */
const AT_ONCE = 50
const isSkipped = minioBinary() === undefined && 'there is no minio binary: NOT TESTED'
const seed = Number(process.env['SPILLWAY_TEST_SEED'] ?? randomInt(2 ** 31))
const nowMs = Date.now()
const mallory: Caller = { ...anonymous, name: 'mallory' }

t.setTimeout(300_000)
t.comment(`SPILLWAY_TEST_SEED=${seed}`)

/** Real tickets of a gateway with this key, made here: what an insider with half the secrets could have. */
function realTickets(key: string, split: Split): RealTickets {
  const keys = new TicketKeys([key])
  const ofTime = (expiresMs: number, caller = anonymous, sealing = keys) =>
    Array.from({ length: 8 }, () => sealTicket({ ...split, expiresMs }, sealing, holderOf(caller)))
  const later = nowMs + 3_600_000
  return {
    good: ofTime(later),
    expired: ofTime(nowMs - 1),
    foreign: ofTime(later, mallory),
    otherKey: ofTime(later, anonymous, new TicketKeys([])),
    otherKind: [keys.seal('continuation', randomBytes(200), anonymous.name)],
  }
}

const splitOf = (key: string, etag: string, sizeBytes: number): Split => ({
  table: { schema: 'lake', table: 'orders' },
  bucket: 'lake',
  prefix: 'tables/orders/',
  files: [{ key, etag, sizeBytes, rowGroups: { start: 0, end: 2 } }],
  partitionColumns: [],
  expiresMs: 0,
})

t.test(`${FORGED} forged tickets are refused, all of them`, async (t) => {
  const key = randomBytes(32).toString('base64')
  const real = realTickets(key, splitOf('tables/orders/a.parquet', 'x', 1_000))
  const opening = openingOf(new TicketKeys([key]), nowMs)
  for (const ticket of real.good) t.equal(openTicket(ticket, opening).bucket, 'lake')
  const refused = new Map<string, number>()
  const opened: string[] = []
  const forged = forgedTickets(real, randomNumbers(seed))
  for (let count = 0; count < FORGED; count++) {
    const { how, ticket } = forged.next().value
    try {
      openTicket(ticket, opening)
      opened.push(`${how}: ${Buffer.from(ticket).toString('hex')}`)
    } catch (error) {
      const code = (error as { code?: string }).code ?? String(error)
      refused.set(`${how}: ${code}`, (refused.get(`${how}: ${code}`) ?? 0) + 1)
    }
  }
  t.strictSame(opened, [])
  const others = [...refused.keys()].filter((what) => !what.endsWith(': invalid_request'))
  t.strictSame(others, [], 'each with the same word')
  t.equal(refused.size, 10, 'every way was tried')
})

t.test(
  'at the doors no forged ticket costs a request to the store',
  { skip: isSkipped },
  async (t) => {
    const store = await startMinio()
    t.teardown(() => store.stop())
    const lake = storeClient(store)
    await lake.makeBucket('lake')
    const { bytes } = largeFile({ seed: 1, rowCount: 100, rowsPerGroup: 50 })
    const { etag } = await lake.putObject('lake', 'tables/orders/a.parquet', bytes)
    const proxy = await startCountingProxy(store.url)
    t.teardown(() => proxy.close())
    const key = randomBytes(32).toString('base64')
    const keys = { SPILLWAY_TICKET_KEYS: key, SPILLWAY_STORE_URL: proxy.url }
    const gateway = await startGatewayProcess(gatewaySettings(store, keys))
    t.teardown(() => gateway.stop())
    const federation = federationClient(gateway.grpc)
    const flight = flightClient(gateway.grpc)
    t.teardown(() => [federation, flight].forEach((client) => client.close()))
    const real = realTickets(key, splitOf('tables/orders/a.parquet', etag, bytes.length))
    const [good = Buffer.alloc(0)] = real.good
    const { arrowSchema } = await federation.call(Federation.method.describeTable, {
      schema: 'lake',
      table: 'orders',
    })
    const doors = {
      federation: (ticket: Uint8Array) =>
        readAll(
          federation.readSplit({
            $typeName: 'spillway.v1.ReadSplitRequest',
            schema: 'lake',
            table: 'orders',
            ticket,
            arrowSchema,
            constraintsJson: '',
            blockBytesTarget: 0,
            blockBytesMax: 0,
          }),
        ),
      flight: (ticket: Uint8Array) => flight.messages(ticket),
    }
    t.ok((await doors.federation(good)).length > 0, 'what is not forged is read')
    for (const [name, door] of Object.entries(doors)) {
      const forged = forgedTickets(real, randomNumbers(seed + 1))
      proxy.take()
      const failures = new Map<string, number>()
      for (let sent = 0; sent < FORGED_AT_EACH_DOOR; sent += AT_ONCE) {
        const batch = Array.from({ length: AT_ONCE }, () => forged.next().value)
        const ends = await Promise.all(batch.map(({ ticket }) => failureOf(door(ticket))))
        for (const { status, code } of ends) {
          failures.set(`${status} ${code}`, (failures.get(`${status} ${code}`) ?? 0) + 1)
        }
      }
      t.strictSame([...failures], [['3 invalid_request', FORGED_AT_EACH_DOOR]], name)
      const { lists, gets, others } = proxy.take()
      t.strictSame({ lists, gets, others }, { lists: 0, gets: 0, others: 0 }, name)
    }
    t.ok((await doors.federation(good)).length > 0, 'the gateway serves on')
  },
)
