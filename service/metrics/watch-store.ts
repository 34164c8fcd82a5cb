import { GatewayError } from '../errors.ts'
import { rangeLength } from '../objects/byte-range.ts'
import type { ObjectStore } from '../objects/object-store.ts'
import type { MetricsRegistry } from './registry.ts'

/** Counts every attempt: it stands below retries and caches. */
export function watchStore(store: ObjectStore, registry: MetricsRegistry): ObjectStore {
  async function watch<Answer>(operation: string, run: () => Promise<Answer>): Promise<Answer> {
    const started = performance.now()
    let outcome = 'ok'
    try {
      return await run()
    } catch (reason) {
      outcome = GatewayError.from(reason).code
      throw reason
    } finally {
      registry.add('storeRequests', 1, { operation, outcome })
      registry.observe('storeSeconds', (performance.now() - started) / 1000, { operation })
    }
  }
  return {
    id: store.id,
    listBuckets: (signal) => watch('list_buckets', () => store.listBuckets(signal)),
    list: (request, signal) => watch('list', () => store.list(request, signal)),
    read: async (request, signal) => {
      const bytes = await watch('read', () => store.read(request, signal))
      registry.add('storeBytes', rangeLength(request.range), { kind: 'metadata' })
      return bytes
    },
    close: () => store.close(),
  }
}
