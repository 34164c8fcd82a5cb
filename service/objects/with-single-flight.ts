import { copyInto } from './byte-range.ts'
import type { ListPage, ObjectStore } from './object-store.ts'
import { readKey } from './read-key.ts'
import { type ReadVersion, readVersion } from './read-version.ts'
import { SharedFlights } from './shared-flights.ts'

/**
 * Equal reads and lists at the same time go to the store once. A read into the caller's own memory goes alone: it
 * must end when its caller leaves, whoever else waits; so does a fresh one: another may have begun before a change.
 */
export function withSingleFlight(store: ObjectStore): ObjectStore {
  const reads = new SharedFlights<ReadVersion>()
  const lists = new SharedFlights<ListPage>()
  const buckets = new SharedFlights<readonly string[]>()
  return {
    id: store.id,
    listBuckets: (signal) => buckets.join('', (shared) => store.listBuckets(shared), signal),
    list(request, signal) {
      const { bucket, prefix, shallow, startAfter = null, continuation = null } = request
      const key = JSON.stringify([bucket, prefix, shallow, startAfter, continuation])
      return lists.join(key, (shared) => store.list(request, shared), signal)
    },
    async read(request, signal) {
      if (request.into !== undefined || request.fresh === true) return store.read(request, signal)
      let first = false
      const start = (shared: AbortSignal): Promise<ReadVersion> => {
        first = true
        return readVersion(store, request, shared)
      }
      const { bytes, versionId } = await reads.join(readKey(store.id, request), start, signal)
      // The first may give its bytes away (to a worker) as soon as it has them. The others copy before that:
      // all are told in the same turn, and the first one's caller continues a turn later.
      if (first) return bytes
      if (versionId !== undefined) request.onVersion?.(versionId)
      return copyInto(bytes)
    },
    close: () => store.close(),
  }
}
