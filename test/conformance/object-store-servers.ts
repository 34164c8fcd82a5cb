import type { Test } from 'tap'
import { Secret } from '../../service/credentials/secret.ts'
import { staticCredentials } from '../../service/credentials/store-credentials.ts'
import { s3Store } from '../../service/objects/s3-store.ts'
import { minioBinary, startMinio } from '../support/start-minio.ts'
import { startVersitygw, versitygwBinary } from '../support/start-versitygw.ts'
import { storeClient } from '../support/store-client.ts'
import { objectStoreConformance } from './object-store.conformance.ts'
import type { StoreAddress, StoreSubject } from './object-store-subject.ts'

const servers = {
  MinIO: { binary: minioBinary(), start: startMinio, cannotHold: [] },
  // It lists through an XML writer that has no control characters.
  versitygw: {
    binary: versitygwBinary(),
    start: startVersitygw,
    cannotHold: ['odd/control \u0001.parquet'],
  },
}

/** The conformance of one kind of S3 store on real servers; a server that is not there is skipped, and said to be. */
export async function onRealServers(t: Test, open = s3Store): Promise<void> {
  for (const [name, { binary, start, cannotHold }] of Object.entries(servers)) {
    if (binary !== undefined)
      await objectStoreConformance(t, name, async () => {
        const server = await start()
        return { ...s3Subject({ ...server, open }, () => server.stop()), cannotHold }
      })
    else if (process.env['SPILLWAY_REQUIRE_SERVERS'] === '1') t.fail(`there is no ${name} binary`)
    else await t.test(name, { skip: `there is no ${name} binary: NOT TESTED` }, async () => {})
  }
}

/** minio's own client writes, ours reads. */
export function s3Subject(address: StoreAddress, stop: () => Promise<void>): StoreSubject {
  const { url, accessKey, secretKey, open = s3Store } = address
  const writer = storeClient(address)
  const credentials = staticCredentials({ accessKey, secretKey: new Secret(secretKey) })
  return {
    store: open({ url }, credentials),
    createBucket: (bucket) => writer.makeBucket(bucket),
    put: async (bucket, key, bytes) =>
      void (await writer.putObject(bucket, key, Buffer.from(bytes))),
    delete: (bucket, key) => writer.removeObject(bucket, key),
    remote: address,
    stop,
  }
}
