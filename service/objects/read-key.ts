import type { ReadRequest } from './object-store.ts'

/** Names the bytes of a read: equal keys, equal bytes. */
export function readKey(storeId: string, { object, range }: ReadRequest): string {
  const { bucket, key, etag, versionId = null } = object
  return JSON.stringify([storeId, bucket, key, etag, versionId, range.start, range.end])
}
