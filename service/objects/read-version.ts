import type { ObjectStore, ReadRequest } from './object-store.ts'

/** Bytes, and what the store called the version they are of, if it said so. */
export interface ReadVersion {
  readonly bytes: Uint8Array
  readonly versionId?: string
}

/** Reads, tells the request's own listener of the version, and remembers it for those who ask later. */
export async function readVersion(
  store: ObjectStore,
  request: ReadRequest,
  signal: AbortSignal,
): Promise<ReadVersion> {
  let told: string | undefined
  const onVersion = (versionId: string): void => {
    told = versionId
    request.onVersion?.(versionId)
  }
  const bytes = await store.read({ ...request, onVersion }, signal)
  return { bytes, ...(told !== undefined && { versionId: told }) }
}
