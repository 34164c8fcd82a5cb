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

await objectStoreConformance(t, 'the embedded S3 subset', async () => {
  const keys = { accessKey: 'embedded', secretKey: 'embedded secret' }
  const server = await startEmbeddedStore(keys)
  return s3Subject({ ...keys, url: server.url, open: socketsAlone }, () => server.close())
})
