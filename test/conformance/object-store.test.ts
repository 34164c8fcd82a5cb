import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import t from 'tap'
import { startEmbeddedStore } from '../../service/demo/embedded-store.ts'
import { fileStore } from '../../service/objects/file-store.ts'
import { memoryStore } from '../../service/objects/memory-store.ts'
import { objectStoreConformance } from './object-store.conformance.ts'
import { onRealServers, s3Subject } from './object-store-servers.ts'

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

await objectStoreConformance(t, 'the embedded S3 subset', async () => {
  const keys = { accessKey: 'embedded', secretKey: 'embedded secret' }
  const server = await startEmbeddedStore(keys)
  return s3Subject({ ...keys, url: server.url }, () => server.close())
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

await onRealServers(t)
