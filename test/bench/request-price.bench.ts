import { Buffer } from 'node:buffer'
import type * as CredentialsModule from '../../service/credentials/store-credentials.ts'
import type * as SecretModule from '../../service/credentials/secret.ts'
import type * as OpenStoreModule from '../../service/objects/open-store.ts'
import type { ObjectVersion } from '../../service/objects/object-store.ts'
import { importBuilt } from '../support/bench-build.ts'
import type { BenchOptions, Figure } from '../support/bench-figure.ts'
import { medianOfRounds } from '../support/bench-rounds.ts'
import { startMinio } from '../support/start-minio.ts'
import { storeClient } from '../support/store-client.ts'

export const title = 'What a request costs, in bytes: ranges apart, or with the gaps between them'

// The constants of coalescing, pruning, late columns and shared reads are multiples of this price.

const RANGES = 8
const RANGE_BYTES = 32 * 1024
const KIB = 1024
const gaps = [64, 128, 256, 512, 1_024, 2_048].map((kib) => kib * KIB)
const bucket = 'price'
/** Done so often in a row, so that the clock and the processor's are fine enough. */
const TIMES = 12

export async function run({ smoke, print }: BenchOptions): Promise<readonly Figure[]> {
  const server = await startMinio()
  try {
    const client = storeClient(server)
    await client.makeBucket(bucket)
    const bytes = Buffer.alloc(RANGES * ((gaps.at(-1) ?? 0) + RANGE_BYTES), 'spillway')
    const { etag } = await client.putObject(bucket, 'data', bytes)
    const object = { bucket, key: 'data', etag, sizeBytes: bytes.length }
    const { openStore } = await importBuilt<typeof OpenStoreModule>('service/objects/open-store.ts')
    const { staticCredentials } = await importBuilt<typeof CredentialsModule>(
      'service/credentials/store-credentials.ts',
    )
    const { Secret } = await importBuilt<typeof SecretModule>('service/credentials/secret.ts')
    const { url, accessKey, secretKey } = server
    const credentials = staticCredentials({ accessKey, secretKey: new Secret(secretKey) })
    const store = openStore({ kind: 's3', url, region: 'us-east-1' }, credentials)
    const { signal } = new AbortController()
    const memory = new Uint8Array(bytes.length)
    const read = (from: ObjectVersion, start: number, end: number) =>
      store.read({ object: from, range: { start, end }, into: memory.subarray(start, end) }, signal)
    let price = 0
    for (const gap of gaps) {
      const starts = Array.from({ length: RANGES }, (_, at) => at * (gap + RANGE_BYTES))
      const apart = () =>
        Promise.all(starts.map((start) => read(object, start, start + RANGE_BYTES)))
      const together = () => read(object, 0, (starts.at(-1) ?? 0) + RANGE_BYTES)
      const timed = async (work: () => Promise<unknown>): Promise<{ ms: number }> => {
        const startedMs = performance.now()
        for (let left = TIMES; left > 0; left--) await work()
        return { ms: (performance.now() - startedMs) / TIMES }
      }
      const cost = await medianOfRounds(smoke ? 1 : 9, {
        apart: () => timed(apart),
        together: () => timed(together),
      })
      const isWorthIt = cost.together.ms <= cost.apart.ms
      if (isWorthIt) price = gap
      print(
        `gaps of ${String(gap / KIB).padStart(4)} KiB: ${RANGES} requests ${cost.apart.ms.toFixed(2)} ms, one ${cost.together.ms.toFixed(2)} ms`,
      )
    }
    store.close()
    return [
      {
        name: 'largest gap that is read as fast as a request is sent',
        reached: price,
        unit: 'bytes',
      },
    ]
  } finally {
    await server.stop()
  }
}
