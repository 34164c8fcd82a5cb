import type { StoreCredentialsSource } from '../credentials/store-credentials.ts'
import type { ByteRange } from './byte-range.ts'

/** One version of one object. There is no other way to name bytes: the ETag is part of the name. */
export interface ObjectVersion {
  readonly bucket: string
  /** The exact key, as the store holds it: never encoded, never decoded. */
  readonly key: string
  /** Without quotes. */
  readonly etag: string
  readonly sizeBytes: number
  /** In versioned buckets, when the listing told it. */
  readonly versionId?: string
}

export interface ListedObject extends ObjectVersion {
  /** The store's clock, milliseconds since the epoch. */
  readonly modifiedMs: number
}

export interface ListRequest {
  readonly bucket: string
  /** `''` or a prefix that ends with `/`. */
  readonly prefix: string
  /** True: only what lies directly below the prefix, folders as `prefixes`. False: everything below it. */
  readonly shallow: boolean
  /** Keys after this one, in byte order of UTF-8. */
  readonly startAfter?: string
  /** From the previous page. */
  readonly continuation?: string
}

export interface ListPage {
  readonly objects: readonly ListedObject[]
  /** Folders directly below the prefix, whole, each ending with `/`. */
  readonly prefixes: readonly string[]
  /** Absent on the last page. */
  readonly continuation?: string
  /** The store's clock when it answered, milliseconds since the epoch. */
  readonly answeredMs: number
}

/** What a read of planning is for, so that its cost can be told. */
export type ReadPurpose = 'footer' | 'index' | 'bloom'

export interface ReadRequest {
  readonly object: ObjectVersion
  /** Never empty, inside the object. */
  readonly range: ByteRange
  /**
   * Where the bytes go, at least as long as the range; absent: memory of the answer's own. When the read has
   * settled, whichever way, nothing more is written to it.
   */
  readonly into?: Uint8Array
  /** Told what the store calls the version that it reads, in versioned buckets, if it says so. */
  readonly onVersion?: (versionId: string) => void
  /** Told when the bytes come from memory: the store is not asked. */
  readonly onCached?: () => void
  /** The store itself is asked, whatever is kept in memory: what is read tells whether the version is still there. */
  readonly fresh?: boolean
  /** Absent: neither of them. */
  readonly purpose?: ReadPurpose
  /** Who asks; absent: whoever the store was opened for. What a cache holds it answers without asking who. */
  readonly credentials?: StoreCredentialsSource
}

/**
 * A store of objects. Every call ends with a GatewayError or an answer, closes its socket when the signal
 * aborts, and is bounded in time.
 *
 * @throws {GatewayError} `object_changed` the store no longer holds this version (or the key is gone);
 *   `table_not_found` no such bucket; `unavailable` the store or its credentials said no, or did not answer
 *   in time; `cancelled` the signal aborted.
 */
export interface ObjectStore {
  /** Names the store in cache keys, e.g. `http://minio:9000`; never holds a secret. */
  readonly id: string
  listBuckets(signal: AbortSignal): Promise<readonly string[]>
  /** One page, keys in byte order of UTF-8. */
  list(request: ListRequest, signal: AbortSignal): Promise<ListPage>
  /** Exactly the bytes of the range, of exactly that version. */
  read(request: ReadRequest, signal: AbortSignal): Promise<Uint8Array>
  close(): void
}
