import { fileURLToPath } from 'node:url'
import type { StoreCredentialsSource } from '../credentials/store-credentials.ts'
import { fileStore } from './file-store.ts'
import type { ObjectStore } from './object-store.ts'
import { rangeSocketStore } from './range-socket-store.ts'
import { s3Store } from './s3-store.ts'
import { withPinnedVersions } from './with-pinned-versions.ts'
import { withRetry } from './with-retry.ts'

/** Where the objects are: plain data, so that every thread opens a store of its own. */
export type StoreConnection =
  | { readonly kind: 'file'; /** `file:///folder`. */ readonly url: string }
  | {
      readonly kind: 's3'
      /** `http(s)://host[:port]`. */
      readonly url: string
      readonly region: string
      /** PEM. */
      readonly certificateAuthority?: string
      /** How data ranges are read; default `sockets`, `sdk` to leave plain sockets out. */
      readonly dataReads?: 'sockets' | 'sdk'
    }

/** Opens the store; `watch` wraps it below the retries, so that it sees every attempt. */
export function openStore(
  connection: StoreConnection,
  credentials: StoreCredentialsSource,
  watch: (store: ObjectStore) => ObjectStore = (store) => store,
): ObjectStore {
  if (connection.kind === 'file') return watch(fileStore(fileURLToPath(connection.url)))
  const store = s3Store(connection, credentials)
  return withPinnedVersions(
    withRetry(
      watch(
        connection.dataReads === 'sdk' ? store : rangeSocketStore(store, connection, credentials),
      ),
    ),
  )
}
