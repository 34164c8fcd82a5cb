import { createHash } from 'node:crypto'
import { GatewayError } from '../errors.ts'
import { noSuchBucket } from './bucket-name.ts'
import { copyInto } from './byte-range.ts'
import { compareKeys, lowerBound } from './key-order.ts'
import type { ListedObject, ObjectStore, ObjectVersion } from './object-store.ts'
import { pageOfKeys } from './page-of-keys.ts'
import { objectChanged } from './store-refusal.ts'

export interface MemoryStoreOptions {
  /** Default `memory:`. */
  readonly id?: string
  /** Entries of one page of listing; default 1,000, fewer to test paging. */
  readonly pageEntriesMax?: number
  readonly nowMs?: () => number
}

/** A store whose writer is the test. */
export interface MemoryStore extends ObjectStore {
  /** Creates the bucket when it is new. Equal bytes give an equal ETag, as in S3. The bytes are copied. */
  put(bucket: string, key: string, bytes: Uint8Array): ListedObject
  /** An object that is not there is deleted already. */
  delete(bucket: string, key: string): void
}

interface Bucket {
  /** By `compareKeys`. */
  readonly sorted: string[]
  readonly objects: Map<string, { readonly listed: ListedObject; readonly bytes: Uint8Array }>
}

/** Objects in memory, as strict as a real store about buckets, versions and order. */
export function memoryStore(options: MemoryStoreOptions = {}): MemoryStore {
  const { id = 'memory:', pageEntriesMax = 1_000, nowMs = Date.now } = options
  const buckets = new Map<string, Bucket>()

  const bucketOf = (name: string, signal: AbortSignal): Bucket => {
    if (signal.aborted) throw GatewayError.from(signal.reason)
    const bucket = buckets.get(name)
    if (bucket === undefined) throw noSuchBucket(name)
    return bucket
  }

  return {
    id,
    async listBuckets(signal) {
      if (signal.aborted) throw GatewayError.from(signal.reason)
      return [...buckets.keys()].toSorted(compareKeys)
    },
    async list(request, signal) {
      const { sorted, objects } = bucketOf(request.bucket, signal)
      const { prefix, shallow } = request
      const after = request.continuation ?? request.startAfter
      const entriesMax = pageEntriesMax
      const place = { prefix, shallow, entriesMax, ...(after === undefined ? {} : { after }) }
      const { keys, prefixes, next } = pageOfKeys(sorted, place)
      return {
        objects: keys.flatMap((key) => objects.get(key)?.listed ?? []),
        prefixes,
        answeredMs: nowMs(),
        ...(next === undefined ? {} : { continuation: next }),
      }
    },
    async read({ object, range, into }, signal) {
      const held = bucketOf(object.bucket, signal).objects.get(object.key)
      checkVersion(object, held?.listed)
      const bytes = held?.bytes ?? new Uint8Array()
      return copyInto(bytes.subarray(range.start, range.end), into)
    },
    close() {},
    put(name, key, bytes) {
      const bucket = buckets.get(name) ?? { sorted: [], objects: new Map() }
      buckets.set(name, bucket)
      const etag = createHash('md5').update(bytes).digest('hex')
      const sizeBytes = bytes.length
      const listed = { bucket: name, key, etag, sizeBytes, modifiedMs: nowMs() }
      if (!bucket.objects.has(key)) bucket.sorted.splice(lowerBound(bucket.sorted, key), 0, key)
      bucket.objects.set(key, { listed, bytes: copyInto(bytes) })
      return listed
    },
    delete(name, key) {
      const bucket = buckets.get(name)
      if (bucket?.objects.delete(key) === true)
        bucket.sorted.splice(lowerBound(bucket.sorted, key), 1)
    },
  }
}

function checkVersion(planned: ObjectVersion, held: ObjectVersion | undefined): void {
  if (held === undefined) throw objectChanged(planned, 'it is gone')
  if (held.etag !== planned.etag) throw objectChanged(planned, `now there is version ${held.etag}`)
}
