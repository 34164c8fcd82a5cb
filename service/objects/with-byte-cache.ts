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
   * drives nothing out; and it drives out only what was not used since it was read last. Of a table that is larger than
   * the cache and is read again and again, a part stays; else each range would be driven out just before its turn.
   * Default `all`.
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
  const lastRead = kept === 'all' ? () => Infinity : lastReads(SEEN_MAX)
  // A Map lists its entries in the order of insertion: the first is the one unused for longest.
  const held = new Map<string, HeldRange>()
  /** Reads so far: the clock of what was used when. */
  let reads = 0
  let bytes = 0
  let hits = 0
  let misses = 0
  let evictions = 0

  /** Whether there is room for so many bytes more, at the cost of what was used last before `usedBefore`. */
  const makeRoom = (lengthBytes: number, usedBefore: number): boolean => {
    for (const [oldest, dropped] of held) {
      if (bytes + lengthBytes <= bytesMax || dropped.usedAt >= usedBefore) break
      held.delete(oldest)
      bytes -= dropped.bytes.length
      evictions++
    }
    return bytes + lengthBytes <= bytesMax
  }

  const keep = (key: string, { bytes: read, versionId }: ReadVersion, readBefore: number): void => {
    if (held.has(key) || !makeRoom(read.length, readBefore)) return
    const version = versionId === undefined ? {} : { versionId }
    held.set(key, { bytes: alignedCopy(read), usedAt: reads, ...version })
    bytes += read.length
  }

  return {
    id: store.id,
    listBuckets: (signal) => store.listBuckets(signal),
    list: (request, signal) => store.list(request, signal),
    async read(request, signal) {
      const length = rangeLength(request.range)
      const isLong = length > rangeBytesMax || length > bytesMax
      if (isLong || request.fresh === true) return store.read(request, signal)
      reads++
      const key = readKey(store.id, request)
      const entry = held.get(key)
      if (entry !== undefined) {
        hits++
        held.delete(key)
        held.set(key, { ...entry, usedAt: reads })
        if (entry.versionId !== undefined) request.onVersion?.(entry.versionId)
        request.onCached?.()
        return copyInto(entry.bytes, request.into)
      }
      misses++
      const readAt = reads
      const read = await readVersion(store, request, signal)
      const readBefore = lastRead(key, readAt)
      if (readBefore !== undefined) keep(key, read, readBefore)
      return read.bytes
    },
    close() {
      held.clear()
      bytes = 0
      store.close()
    },
    counters: () => ({ hits, misses, evictions, entries: held.size, bytes }),
  }
}

interface HeldRange extends ReadVersion {
  /** The read that used it last, by its number. */
  readonly usedAt: number
}

/** Tells which read of a key was the last before this one, of those asked about last; undefined: none. */
function lastReads(keysMax: number): (key: string, readAt: number) => number | undefined {
  const seen = new Map<string, number>()
  return (key, readAt) => {
    const before = seen.get(key)
    seen.delete(key)
    seen.set(key, readAt)
    for (const oldest of seen.keys()) {
      if (seen.size <= keysMax) break
      seen.delete(oldest)
    }
    return before
  }
}
