import { startEmbeddedStore } from '../../service/demo/embedded-store.ts'
import { minioBinary, startMinio } from './start-minio.ts'
import type { StoreKeys } from './store-client.ts'

/** The best store at hand: a real MinIO, else the embedded S3 subset, which passes the same conformance suite. */
export async function startStore(): Promise<StoreKeys & { stop(): Promise<void> }> {
  if (minioBinary() !== undefined) return startMinio()
  const keys = { accessKey: 'embedded', secretKey: 'embedded secret' }
  const store = await startEmbeddedStore(keys)
  return { ...keys, url: store.url, stop: () => store.close() }
}
