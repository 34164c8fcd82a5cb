import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { Client } from 'minio'
import t from 'tap'
import { Secret } from '../../service/credentials/secret.ts'
import { staticCredentials } from '../../service/credentials/store-credentials.ts'
import { startEmbeddedStore } from '../../service/demo/embedded-store.ts'
import { fileStore } from '../../service/objects/file-store.ts'
import { memoryStore } from '../../service/objects/memory-store.ts'
import { rangeSocketStore } from '../../service/objects/range-socket-store.ts'
import { s3Store } from '../../service/objects/s3-store.ts'
import { minioBinary, startMinio } from '../support/start-minio.ts'
import { startVersitygw, versitygwBinary } from '../support/start-versitygw.ts'
import { objectStoreConformance } from './object-store.conformance.ts'
import type { StoreAddress, StoreSubject } from './object-store-subject.ts'

await objectStoreConformance(t, 'in memory', async () => {
  const store = memoryStore()
  return {
    store,
    async createBucket(bucket) {
      store.put(bucket, 'x', new Uint8Array())
      store.delete(bucket, 'x')
    },
    put: async (bucket, key, bytes) => void store.put(bucket, key, bytes),
    delete: async (bucket, key) => store.delete(bucket, key),
    stop: async () => {},
  }
})

await objectStoreConformance(t, 'a folder', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'spillway-store-'))
  const pathOf = (bucket: string, key: string): string => join(folder, bucket, key)
  return {
    store: fileStore(folder),
    createBucket: (bucket) => mkdir(join(folder, bucket)),
    async put(bucket, key, bytes) {
      await mkdir(dirname(pathOf(bucket, key)), { recursive: true })
      await writeFile(pathOf(bucket, key), bytes)
    },
    delete: (bucket, key) => rm(pathOf(bucket, key)),
    stop: () => rm(folder, { recursive: true }),
  }
})

/** The SDK alone, and plain sockets alone: their store has nobody to hand a read to. */
const ways: Readonly<Record<string, typeof s3Store>> = {
  'by the SDK': s3Store,
  'by plain sockets': (options, credentials) => {
    const handedOn = async (): Promise<never> => Promise.reject(new Error('a read was handed on'))
    const inner = { ...s3Store(options, credentials), read: handedOn }
    return rangeSocketStore(inner, { ...options, bytesMin: 1 }, credentials)
  },
}

await objectStoreConformance(t, 'the embedded S3 subset by the SDK', async () => {
  const keys = { accessKey: 'embedded', secretKey: 'embedded secret' }
  const server = await startEmbeddedStore(keys)
  return s3Subject({ ...keys, url: server.url }, () => server.close())
})

// Its refusals are chunked, so they are handed to the SDK; the faults would count them twice.
await objectStoreConformance(t, 'the embedded S3 subset by plain sockets', async () => {
  const keys = { accessKey: 'embedded', secretKey: 'embedded secret' }
  const server = await startEmbeddedStore(keys)
  const open: typeof s3Store = (options, credentials) =>
    rangeSocketStore(s3Store(options, credentials), { ...options, bytesMin: 1 }, credentials)
  const subject = s3Subject({ ...keys, url: server.url, open }, () => server.close())
  const { remote: _, ...local } = subject
  return local
})

await objectStoreConformance(t, 'the embedded S3 subset over a folder', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'spillway-embedded-'))
  const keys = { accessKey: 'embedded', secretKey: 'embedded secret' }
  const server = await startEmbeddedStore({ ...keys, folder })
  return s3Subject({ ...keys, url: server.url }, async () => {
    await server.close()
    await rm(folder, { recursive: true })
  })
})

const servers = {
  MinIO: { binary: minioBinary(), start: startMinio, cannotHold: [] },
  // It lists through an XML writer that has no control characters.
  versitygw: {
    binary: versitygwBinary(),
    start: startVersitygw,
    cannotHold: ['odd/control \u0001.parquet'],
  },
}

for (const [name, { binary, start, cannotHold }] of Object.entries(servers)) {
  if (binary !== undefined)
    for (const [way, open] of Object.entries(ways))
      await objectStoreConformance(t, `${name} ${way}`, async () => {
        const server = await start()
        return { ...s3Subject({ ...server, open }, () => server.stop()), cannotHold }
      })
  else if (process.env['SPILLWAY_REQUIRE_SERVERS'] === '1') t.fail(`there is no ${name} binary`)
  else await t.test(name, { skip: `there is no ${name} binary: NOT TESTED` }, async () => {})
}

/** minio's own client writes, ours reads. */
function s3Subject(address: StoreAddress, stop: () => Promise<void>): StoreSubject {
  const { accessKey, secretKey, open = s3Store } = address
  const url = new URL(address.url)
  const writer = new Client({
    endPoint: url.hostname,
    port: Number(url.port),
    useSSL: false,
    region: 'us-east-1',
    accessKey,
    secretKey,
  })
  const credentials = staticCredentials({ accessKey, secretKey: new Secret(secretKey) })
  return {
    store: open({ url: address.url }, credentials),
    createBucket: (bucket) => writer.makeBucket(bucket),
    put: async (bucket, key, bytes) =>
      void (await writer.putObject(bucket, key, Buffer.from(bytes))),
    delete: (bucket, key) => writer.removeObject(bucket, key),
    remote: address,
    stop,
  }
}
