import { alignedCopy, copyInto, rangeLength } from './byte-range.ts'
import type { ObjectStore } from './object-store.ts'
import { readKey } from './read-key.ts'
import { type ReadVersion, readVersion } from './read-version.ts'

export interface ByteCacheOptions {
  /** Bytes held, keys left out of the count. */
  readonly bytesMax: number
  /** Longer ranges pass by: data is read once, what is read again is small. Default 1 MiB. */
  readonly rangeBytesMax?: number
  /**
   * `repeated`: a range is kept when it is read for the second time, so that what is read once costs no copy and
   * drives nothing out. Default `all`.
   */
  readonly keep?: 'all' | 'repeated'
}

export interface ByteCacheCounters {
  readonly hits: number
  /** Reads of a range short enough to be kept that were not there. */
  readonly misses: number
  readonly evictions: number
  readonly entries: number
  readonly bytes: number
}

export interface CachedStore extends ObjectStore {
  counters(): ByteCacheCounters
}

const RANGE_BYTES_MAX = 1 << 20
/** Names of ranges that were read once: 16,384 are 2 to 4 MB. */
const SEEN_MAX = 16_384

/**
 * Keeps short ranges, those used last, up to so many bytes. The key holds the version, so what it gives is never
 * stale; it may give bytes of a version that the store holds no longer. What the store called the version is kept
 * with the bytes. Failures are not kept.
 */
export function withByteCache(store: ObjectStore, options: ByteCacheOptions): CachedStore {
  const { bytesMax, rangeBytesMax = RANGE_BYTES_MAX, keep: kept = 'all' } = options
  const isWorthKeeping = kept === 'all' ? () => true : seenBefore(SEEN_MAX)
  // A Map lists its entries in the order of insertion: the first is the one unused for longest.
  const held = new Map<string, ReadVersion>()
  let bytes = 0
  let hits = 0
  let misses = 0
  let evictions = 0

  const keep = (key: string, entry: ReadVersion): void => {
    if (held.has(key)) return
    held.set(key, entry)
    bytes += entry.bytes.length
    for (const [oldest, dropped] of held) {
      if (bytes <= bytesMax) return
      held.delete(oldest)
      bytes -= dropped.bytes.length
      evictions++
    }
  }

  return {
    id: store.id,
    listBuckets: (signal) => store.listBuckets(signal),
    list: (request, signal) => store.list(request, signal),
    async read(request, signal) {
      const length = rangeLength(request.range)
      const isLong = length > rangeBytesMax || length > bytesMax
      if (isLong || request.fresh === true) return store.read(request, signal)
      const key = readKey(store.id, request)
      const entry = held.get(key)
      if (entry !== undefined) {
        hits++
        held.delete(key)
        held.set(key, entry)
        if (entry.versionId !== undefined) request.onVersion?.(entry.versionId)
        request.onCached?.()
        return copyInto(entry.bytes, request.into)
      }
      misses++
      const { versionId, bytes: read } = await readVersion(store, request, signal)
      if (isWorthKeeping(key))
        keep(key, { bytes: alignedCopy(read), ...(versionId !== undefined && { versionId }) })
      return read
    },
    close() {
      held.clear()
      bytes = 0
      store.close()
    },
    counters: () => ({ hits, misses, evictions, entries: held.size, bytes }),
  }
}

/** Tells whether a key was asked about before, of those asked about last. */
function seenBefore(keysMax: number): (key: string) => boolean {
  const seen = new Set<string>()
  return (key) => {
    const isSeen = seen.delete(key)
    seen.add(key)
    for (const oldest of seen) {
      if (seen.size <= keysMax) break
      seen.delete(oldest)
    }
    return isSeen
  }
}
