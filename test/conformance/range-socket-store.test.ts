import t from 'tap'
import { startEmbeddedStore } from '../../service/demo/embedded-store.ts'
import { rangeSocketStore } from '../../service/objects/range-socket-store.ts'
import { s3Store } from '../../service/objects/s3-store.ts'
import { objectStoreConformance } from './object-store.conformance.ts'
import { onRealServers, s3Subject } from './object-store-servers.ts'

/** Plain sockets alone: nobody is there to hand a read to. */
const socketsAlone: typeof s3Store = (options, credentials) => {
  const read = (): Promise<never> => Promise.reject(new Error('a read was handed on'))
  const inner = { ...s3Store(options, credentials), read }
  return rangeSocketStore(inner, { ...options, bytesMin: 1 }, credentials)
}

await onRealServers(t, socketsAlone)

// Its refusals are chunked, so they are handed to the SDK; the faults would count them twice.
await objectStoreConformance(t, 'the embedded S3 subset', async () => {
  const keys = { accessKey: 'embedded', secretKey: 'embedded secret' }
  const server = await startEmbeddedStore(keys)
  const open: typeof s3Store = (options, credentials) =>
    rangeSocketStore(s3Store(options, credentials), { ...options, bytesMin: 1 }, credentials)
  const subject = s3Subject({ ...keys, url: server.url, open }, () => server.close())
  const { remote: _, ...local } = subject
  return local
})
