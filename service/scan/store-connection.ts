import type { StoreCredentialsSource } from '../credentials/store-credentials.ts'
import { fileStore } from '../objects/file-store.ts'
import type { ObjectStore } from '../objects/object-store.ts'
import type { S3ConnectionOptions } from '../objects/s3-connection.ts'
import { s3Store } from '../objects/s3-store.ts'
import { withRetry } from '../objects/with-retry.ts'

/** How a worker reaches the store: plain data, no secrets. */
export type StoreConnection =
  | { readonly kind: 'file'; readonly directory: string }
  | { readonly kind: 's3'; readonly options: S3ConnectionOptions }

/** The store, asked again when it did not answer. A worker has its own, with its own sockets. */
export function openStore(
  connection: StoreConnection,
  credentials: StoreCredentialsSource,
): ObjectStore {
  return connection.kind === 'file'
    ? fileStore(connection.directory)
    : withRetry(s3Store(connection.options, credentials))
}
