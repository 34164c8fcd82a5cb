import t from 'tap'
import type { Field } from '../../service/arrow/arrow-type.ts'
import { Catalog } from '../../service/catalog/catalog.ts'
import { Secret } from '../../service/credentials/secret.ts'
import { staticCredentials } from '../../service/credentials/store-credentials.ts'
import { parquetWasmDecoder } from '../../service/decode/parquet-wasm-decoder.ts'
import { GatewayError } from '../../service/errors.ts'
import { FooterCache } from '../../service/footers/footer-cache.ts'
import { openStore } from '../../service/objects/open-store.ts'
import { planSplits } from '../../service/planning/plan-scan.ts'
import type { Split } from '../../service/planning/split.ts'
import { TicketKeys } from '../../service/planning/ticket-keys.ts'
import { openTicket } from '../../service/planning/ticket.ts'
import { predicateTrue } from '../../service/predicate/predicate.ts'
import { InProcessRunner } from '../../service/scan/in-process-runner.ts'
import { scanSplit } from '../../service/scan/scan-split.ts'
import { rowsOfFrames } from '../support/columns-from-frames.ts'
import { minioBinary, startMinio } from '../support/start-minio.ts'
import type { StoreKeys } from '../support/store-client.ts'
import { storeClient } from '../support/store-client.ts'
import { longs, sequence, writeParquet } from '../support/write-parquet.ts'
import { holderOf, openingOf } from '../support/ticket-holder.ts'

// Files are overwritten, deleted and added while plans are made page by page and splits are read. Every answer must
// be the table as it was when its plan began, or `object_changed`; never rows of two versions, nor of two moments.

/** `SPILLWAY_TEST_MUTATIONS=1000` for the long run. */
const mutationsWanted = Number(process.env['SPILLWAY_TEST_MUTATIONS'] ?? 200)
const fileNamesMax = 12
const rowsPerFile = 90
const rowsPerGroup = 30
const table = { schema: 'lake', table: 'orders' }
const keyOf = (file: number) => `orders/day=${file % 3}/${file}.parquet`
const isSkipped = minioBinary() === undefined && 'there is no minio binary: NOT TESTED'
const fields: readonly Field[] = ['file', 'version', 'row'].map((name) => ({
  name,
  type: { kind: 'int', bitWidth: 64, signed: true },
  nullable: true,
}))
const frames = { bodyBytesTarget: 1 << 20, bodyBytesMax: 1 << 22, rowsMax: 1_000 }

/** Small and repeatable. */
function random(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
}

/** Writes to the table, and knows what it holds. */
function writer({ client, next }: { client: ReturnType<typeof storeClient>; next: Random }) {
  /** Versions by file. */
  const state = new Map<number, number>()
  let [version, mutations] = [0, 0]
  const put = async (file: number) => {
    version += 1
    const rows = sequence(rowsPerFile)
    const columns = [rows.map(() => file), rows.map(() => version), rows].map(longs)
    const named = fields.map(({ name }, at) => [name, columns[at] ?? longs([])] as const)
    state.set(file, version)
    await client.putObject(table.schema, keyOf(file), writeParquet(named, { rowsPerGroup }))
  }
  return {
    state,
    put,
    get mutations() {
      return mutations
    },
    async mutate() {
      const file = next(fileNamesMax)
      mutations += 1
      if (!state.has(file) || next(3) > 0) return put(file)
      state.delete(file)
      await client.removeObject(table.schema, keyOf(file))
    },
  }
}

type Random = ReturnType<typeof random>
type Writer = ReturnType<typeof writer>

/** A gateway's rooms: nothing is shared between two but the keys of tickets. */
function gateway({ url, accessKey, secretKey }: StoreKeys, keys: TicketKeys) {
  const credentials = staticCredentials({ accessKey, secretKey: new Secret(secretKey) })
  const store = openStore({ kind: 's3', url, region: 'us-east-1' }, credentials)
  const footers = new FooterCache({ store, bytesMax: 1 << 24, concurrency: 8 })
  const options = { bucketPrefix: '', tablesPath: '', listingTtlMs: 0 }
  const catalog = new Catalog(options, { store, footers, nowMs: () => performance.now() })
  const decoder = parquetWasmDecoder()
  const runner = new InProcessRunner({ store, decoder, nowMs: () => performance.now() })
  const signal = () => AbortSignal.timeout(60_000)
  return {
    store,
    plan: (continuation: string | undefined) =>
      planSplits(
        {
          table,
          predicate: predicateTrue,
          holder: holderOf(),
          splitsMax: 4,
          pageBytesMax: 1 << 20,
          ...(continuation !== undefined && { continuation }),
        },
        {
          catalog,
          footers,
          keys,
          nowMs: Date.now,
          options: { splitBytesTarget: 1_500, footersAheadMax: 2 },
        },
        signal(),
      ),
    async read(ticket: Uint8Array) {
      const split: Split = openTicket(ticket, openingOf(keys, Date.now()))
      const columns = fields.map((field) => ({ field, from: { kind: 'file' } as const }))
      const scan = scanSplit({ split, columns, frames }, { footers, runner }, signal())
      return rowsOfFrames(fields, scan.frames)
    },
  }
}

type Gateway = ReturnType<typeof gateway>

/** Rows of a whole query, or that the table changed under it. */
async function query(gateways: readonly Gateway[], store: Writer, next: Random, isBusy: boolean) {
  const at = (): Gateway => gateways[next(gateways.length)] ?? assertNever()
  const disturb = async () => {
    for (let count = next(3); count > 0; count--) await store.mutate()
  }
  try {
    const tickets: Uint8Array[] = []
    let continuation: string | undefined
    do {
      const page = await at().plan(continuation)
      tickets.push(...page.splits.map(({ ticket }) => ticket))
      continuation = page.continuation
      if (isBusy && next(2) === 0) await disturb()
    } while (continuation !== undefined)
    const rows: unknown[][] = []
    for (const ticket of tickets) {
      const writing = next(2) === 0 ? disturb() : Promise.resolve()
      const [read] = await Promise.allSettled([at().read(ticket), writing])
      await writing
      if (read.status === 'rejected') throw read.reason
      rows.push(...read.value)
    }
    return rows
  } catch (error) {
    if (error instanceof GatewayError && error.code === 'object_changed') return undefined
    throw error
  }
}

function assertNever(): never {
  throw new Error('there is a gateway')
}

/** Rows as a set of files, each with its version, whole and once; undefined: a mixture. */
function stateOf(rows: readonly (readonly unknown[])[]): Map<number, number> | undefined {
  const files = new Map<number, { versions: Set<number>; rows: number[] }>()
  for (const [file, version, row] of rows.map((values) => values.map(Number))) {
    if (file === undefined || version === undefined || row === undefined) return undefined
    const seen = files.get(file) ?? { versions: new Set(), rows: [] }
    seen.versions.add(version)
    seen.rows.push(row)
    files.set(file, seen)
  }
  const state = new Map<number, number>()
  for (const [file, seen] of files) {
    const [version] = seen.versions
    const isWhole = seen.rows.length === rowsPerFile && new Set(seen.rows).size === rowsPerFile
    if (version === undefined || seen.versions.size > 1 || !isWhole) return undefined
    state.set(file, version)
  }
  return state
}

const inOrder = (state: ReadonlyMap<number, number>) => [...state].toSorted(([a], [b]) => a - b)

t.setTimeout(600_000)

for (const isVersioned of [false, true]) {
  const bucket = isVersioned ? 'a versioned bucket' : 'a bucket without versions'
  t.test(`${bucket}: no mixed answers`, { skip: isSkipped, timeout: 600_000 }, async (t) => {
    const minio = await startMinio()
    t.teardown(() => minio.stop())
    const client = storeClient(minio)
    await client.makeBucket(table.schema)
    if (isVersioned) await client.setBucketVersioning(table.schema, { Status: 'Enabled' })
    const next = random(isVersioned ? 7 : 5)
    const store = writer({ client, next })
    for (let file = 0; file < fileNamesMax; file += 2) await store.put(file)
    const keys = new TicketKeys([])
    const gateways = [gateway(minio, keys), gateway(minio, keys)]
    t.teardown(() => gateways.forEach((one) => one.store.close()))
    const outcomes = { answered: 0, changed: 0, changedWhileRead: 0 }
    for (let round = 0; store.mutations < mutationsWanted; round++) {
      // Every other query is left alone until it is planned.
      const isBusy = round % 2 === 0
      if (store.state.size === 0) await store.put(0)
      const begun = inOrder(store.state)
      const rows = await query(gateways, store, next, isBusy)
      if (!rows) {
        outcomes.changed += 1
        if (!isBusy) outcomes.changedWhileRead += 1
        continue
      }
      outcomes.answered += 1
      const state = stateOf(rows)
      if (!state || JSON.stringify(inOrder(state)) !== JSON.stringify(begun)) {
        t.strictSame(state && inOrder(state), begun, `round ${round} is a mixture`)
        return
      }
    }
    t.comment(`${store.mutations} mutations: ${JSON.stringify(outcomes)}`)
    t.ok(outcomes.answered > 0, 'some were answered')
    t.ok(outcomes.changed > 0, 'some were told to plan again')
    if (isVersioned)
      t.equal(outcomes.changedWhileRead, 0, 'reads outlive what happens after the plan')
  })
}
