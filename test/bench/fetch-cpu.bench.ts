import { randomBytes } from 'node:crypto'
import { Agent, get } from 'node:http'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { Secret } from '../../service/credentials/secret.ts'
import { staticCredentials } from '../../service/credentials/store-credentials.ts'
import type { ByteRange } from '../../service/objects/byte-range.ts'
import type { ListedObject, ObjectStore } from '../../service/objects/object-store.ts'
import { rangeSocketStore } from '../../service/objects/range-socket-store.ts'
import { s3Store } from '../../service/objects/s3-store.ts'
import { startMinio } from '../support/start-minio.ts'
import type { TestServer } from '../support/start-server.ts'
import { storeClient } from '../support/store-client.ts'

export const title = 'CPU seconds of reading per GB on the wire, vs node:http'

export interface FetchCpuOptions {
  /** One small round, to see that it runs. */
  readonly smoke: boolean
  readonly print: (line: string) => void
}

export interface FetchCpuFigures {
  /** CPU s per GB, medians of the rounds. */
  readonly secondsPerGb: Readonly<Record<keyof Readers, number>>
  /** Plain sockets to `node:http`. */
  readonly ratio: number
  readonly ratioMax: number
}

type Read = (range: ByteRange, into: Uint8Array) => Promise<unknown>

/** All read into the same kind of memory; only the first does no checking, no signing and no errors. */
interface Readers {
  readonly nodeHttp: Read
  readonly sdk: Read
  readonly sockets: Read
}

const RATIO_MAX = 0.4
/** A row group of trips, snappy. */
const RANGE_BYTES = 4_300_000
const LANES = 4

setFlagsFromString('--expose-gc')
const collect: () => void = runInNewContext('gc')

/** Reads one object again and again by each way in turns, from a MinIO of its own. */
export async function run({ smoke, print }: FetchCpuOptions): Promise<FetchCpuFigures> {
  const ranges = rangesOf(smoke ? 3 : 24)
  const rounds = smoke ? 1 : 7
  const minio = await startMinio()
  const agent = new Agent({ keepAlive: true, maxSockets: LANES })
  const store = openStores(minio)
  try {
    const object = await putObject(minio, store.sdk, ranges.length * RANGE_BYTES)
    const readers = {
      nodeHttp: httpRead(`${minio.url}/bench/data`, agent),
      sdk: storeRead(store.sdk, object),
      sockets: storeRead(store.sockets, object),
    }
    const secondsPerGb = await measure(readers, ranges, rounds)
    const ratio = secondsPerGb.sockets / secondsPerGb.nodeHttp
    for (const [name, seconds] of Object.entries(secondsPerGb))
      print(`${name.padEnd(9)} ${seconds.toFixed(2)} CPU s/GB`)
    print(`sockets / node:http ${ratio.toFixed(2)} (at most ${RATIO_MAX})`)
    return { secondsPerGb, ratio, ratioMax: RATIO_MAX }
  } finally {
    agent.destroy()
    store.sockets.close()
    await minio.stop()
  }
}

async function measure(
  readers: Readers,
  ranges: readonly ByteRange[],
  rounds: number,
): Promise<Record<keyof Readers, number>> {
  const times: Record<keyof Readers, number[]> = { nodeHttp: [], sdk: [], sockets: [] }
  for (const read of Object.values(readers)) await readAll(read, ranges.slice(0, LANES))
  for (let round = 0; round < rounds; round++)
    for (const name of ['nodeHttp', 'sdk', 'sockets'] as const)
      times[name].push(await cpuSecondsPerGb(readers[name], ranges))
  return {
    nodeHttp: median(times.nodeHttp),
    sdk: median(times.sdk),
    sockets: median(times.sockets),
  }
}

/**
 * A turn begins after a full collection, so that nobody pays for the garbage of the one before. That is also the
 * state of a service at work, where `node:http` costs most: its chunks of 64 KiB bring one full collection after
 * another (65 to 80 in a run). A young process may be spared them for a while, and then spends 0.65 CPU s per GB.
 */
async function cpuSecondsPerGb(read: Read, ranges: readonly ByteRange[]): Promise<number> {
  collect()
  const before = process.cpuUsage()
  await readAll(read, ranges)
  const { user, system } = process.cpuUsage(before)
  return (user + system) / 1e6 / ((ranges.length * RANGE_BYTES) / 1e9)
}

/** So many at once, each lane into memory of its own. */
async function readAll(read: Read, ranges: readonly ByteRange[]): Promise<void> {
  const left = [...ranges]
  const lane = async (into: Uint8Array): Promise<void> => {
    for (let range = left.pop(); range !== undefined; range = left.pop()) await read(range, into)
  }
  await Promise.all(lanes.map(lane))
}

const lanes = Array.from({ length: LANES }, () => new Uint8Array(RANGE_BYTES))

/** The least that can be written with `node:http`. */
function httpRead(url: string, agent: Agent): Read {
  return ({ start, end }, into) =>
    new Promise((resolve, reject) => {
      const headers = { range: `bytes=${start}-${end - 1}` }
      get(url, { headers, agent }, (answer) => {
        let at = 0
        answer.on('data', (chunk: Uint8Array) => {
          into.set(chunk, at)
          at += chunk.length
        })
        answer.on('end', () => (at === end - start ? resolve(at) : reject(new Error('cut short'))))
      }).on('error', reject)
    })
}

function storeRead(store: ObjectStore, object: ListedObject): Read {
  const { signal } = new AbortController()
  return (range, into) => store.read({ object, range, into }, signal)
}

function openStores(address: TestServer): { sdk: ObjectStore; sockets: ObjectStore } {
  const { url, accessKey, secretKey } = address
  const credentials = staticCredentials({ accessKey, secretKey: new Secret(secretKey) })
  const sdk = s3Store({ url }, credentials)
  const read = (): Promise<never> => Promise.reject(new Error('a read was handed to the SDK'))
  return { sdk, sockets: rangeSocketStore({ ...sdk, read }, { url }, credentials) }
}

/** One object in a bucket that anybody may read, so that `node:http` need not sign. */
async function putObject(
  minio: TestServer,
  store: ObjectStore,
  sizeBytes: number,
): Promise<ListedObject> {
  const client = storeClient(minio)
  await client.makeBucket('bench')
  const statement = {
    Effect: 'Allow',
    Principal: { AWS: ['*'] },
    Action: ['s3:GetObject'],
    Resource: ['arn:aws:s3:::bench/*'],
  }
  const policy = { Version: '2012-10-17', Statement: [statement] }
  await client.setBucketPolicy('bench', JSON.stringify(policy))
  await client.putObject('bench', 'data', randomBytes(sizeBytes))
  const listing = { bucket: 'bench', prefix: '', shallow: true }
  const [object] = (await store.list(listing, new AbortController().signal)).objects
  if (object === undefined) throw new Error('the object is not listed')
  return object
}

function rangesOf(count: number): ByteRange[] {
  return Array.from({ length: count }, (_, at) => ({
    start: at * RANGE_BYTES,
    end: (at + 1) * RANGE_BYTES,
  }))
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((left, right) => left - right)
  return sorted[sorted.length >> 1] ?? Number.NaN
}
