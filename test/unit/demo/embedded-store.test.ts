import { createHash } from 'node:crypto'
import { Readable } from 'node:stream'
import {
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3'
import { Client } from 'minio'
import t from 'tap'
import type { Test } from 'tap'
import { startEmbeddedStore } from '../../../service/demo/embedded-store.ts'
import type { EmbeddedStore } from '../../../service/demo/embedded-store.ts'

const keys = { accessKey: 'embedded', secretKey: 'embedded secret' }

async function started(
  t: Test,
  more: { bytesMax?: number } = {},
): Promise<{ server: EmbeddedStore; minio: Client; sdk: S3Client }> {
  const server = await startEmbeddedStore({ ...keys, ...more })
  const sdk = new S3Client({
    endpoint: server.url,
    region: 'us-east-1',
    forcePathStyle: true,
    maxAttempts: 1,
    credentials: { accessKeyId: keys.accessKey, secretAccessKey: keys.secretKey },
  })
  t.teardown(async () => {
    sdk.destroy()
    await server.close()
  })
  const { hostname, port } = new URL(server.url)
  const place = { endPoint: hostname, port: Number(port), useSSL: false, region: 'us-east-1' }
  const minio = new Client({ ...keys, ...place })
  await minio.makeBucket('lake')
  return { server, minio, sdk }
}

t.test('the AWS SDK writes and reads, with its checksums and its chunks', async (t) => {
  const { sdk } = await started(t)
  const Bucket = 'lake'
  const Body = Buffer.alloc(200_000, 'spill')
  const put = await sdk.send(new PutObjectCommand({ Bucket, Key: 'spill/plain', Body }))
  t.equal(put.ETag, `"${createHash('md5').update(Body).digest('hex')}"`)
  const pieces = Readable.from([Body.subarray(0, 70_000), Body.subarray(70_000)])
  const streamed = { Bucket, Key: 'spill/chunked', Body: pieces, ContentLength: Body.length }
  await sdk.send(new PutObjectCommand(streamed))
  for (const Key of ['spill/plain', 'spill/chunked']) {
    const answer = await sdk.send(new GetObjectCommand({ Bucket, Key }))
    t.ok(Body.equals((await answer.Body?.transformToByteArray()) ?? new Uint8Array()), Key)
  }
  const head = await sdk.send(new HeadObjectCommand({ Bucket, Key: 'spill/plain' }))
  t.equal(head.ContentLength, Body.length)
  const list = await sdk.send(new ListObjectsV2Command({ Bucket, Prefix: 'spill/' }))
  t.equal(list.KeyCount, 2)
  const twice = new PutObjectCommand({ Bucket, Key: 'spill/plain', Body, IfNoneMatch: '*' })
  await t.rejects(sdk.send(twice), { name: 'PreconditionFailed' })
})

t.test('ranges and conditions are those of S3', async (t) => {
  const { sdk, minio } = await started(t)
  await minio.putObject('lake', 'data', Buffer.from('0123456789'))
  await minio.putObject('lake', 'empty', Buffer.alloc(0))
  const get = async (Key: string, Range?: string, more = {}): Promise<string> => {
    const answer = await sdk.send(
      new GetObjectCommand({
        Bucket: 'lake',
        Key,
        ...more,
        ...(Range === undefined ? {} : { Range }),
      }),
    )
    return `${answer.ContentRange ?? 'whole'}: ${await answer.Body?.transformToString()}`
  }
  t.equal(await get('data', 'bytes=2-4'), 'bytes 2-4/10: 234')
  t.equal(await get('data', 'bytes=8-'), 'bytes 8-9/10: 89')
  t.equal(await get('data', 'bytes=-3'), 'bytes 7-9/10: 789')
  t.equal(await get('data', 'bytes=-99'), 'bytes 0-9/10: 0123456789')
  t.equal(await get('data', 'bytes=5-99'), 'bytes 5-9/10: 56789')
  t.equal(await get('data', 'bytes=0-1,5-6'), 'whole: 0123456789')
  t.equal(await get('empty'), 'whole: ')
  for (const range of ['bytes=10-', 'bytes=-0', 'bytes=9-1'])
    await t.rejects(get('data', range), { name: 'InvalidRange' }, range)
  const etag = createHash('md5').update('0123456789').digest('hex')
  for (const IfMatch of [etag, `"${etag}"`, '*'])
    t.equal(await get('data', 'bytes=0-0', { IfMatch }), 'bytes 0-0/10: 0')
  await t.rejects(get('data', 'bytes=99-', { IfMatch: '"other"' }), { name: 'PreconditionFailed' })
  const unchanged = await fetch(await minio.presignedGetObject('lake', 'data'), {
    headers: { 'if-none-match': `"${etag}"` },
  })
  t.equal(unchanged.status, 304)
  await t.rejects(get('none'), { name: 'NoSuchKey' })
})

t.test('what is not signed, wrongly signed or changed on the way is refused', async (t) => {
  const { server, minio } = await started(t)
  await minio.putObject('lake', 'data', Buffer.from('0123456789'))
  const { hostname, port } = new URL(server.url)
  const place = { endPoint: hostname, port: Number(port), useSSL: false, region: 'us-east-1' }
  const stranger = new Client({ ...place, ...keys, accessKey: 'stranger' })
  await t.rejects(stranger.listBuckets(), { code: 'InvalidAccessKeyId' })
  const thief = new Client({ ...place, ...keys, secretKey: 'guessed' })
  await t.rejects(thief.listBuckets(), { code: 'SignatureDoesNotMatch' })
  t.equal((await fetch(`${server.url}/lake/data`)).status, 403)

  const signed = await minio.presignedGetObject('lake', 'data', 60)
  t.equal(await (await fetch(signed)).text(), '0123456789')
  t.equal((await fetch(signed.replace('/data', '/date'))).status, 403)
  t.equal((await fetch(signed.replace('Expires=60', 'Expires=600'))).status, 403)

  const options = { method: 'GET', bucketName: 'lake', objectName: 'data' }
  const transport = minio as unknown as {
    transport: { request: (o: object, cb: unknown) => unknown }
  }
  const { request } = transport.transport
  transport.transport = {
    request: (sent, answered) => {
      const headers = { ...Reflect.get(sent, 'headers'), range: 'bytes=0-1' }
      return request({ ...sent, headers }, answered)
    },
  }
  const moved = minio.makeRequestAsync({ ...options, headers: { range: 'bytes=0-0' } }, '', [206])
  await t.rejects(moved, { code: 'SignatureDoesNotMatch' })
})

t.test('what is not part of the subset is said to be missing', async (t) => {
  const { minio } = await started(t)
  const ask = (method: string, query: string, objectName = ''): Promise<unknown> =>
    minio.makeRequestAsync({ method, bucketName: 'lake', objectName, query }, '', [200])
  await t.rejects(ask('GET', 'acl'), { code: 'NotImplemented' })
  await t.rejects(ask('POST', 'uploads=', 'big'), { code: 'NotImplemented' })
  await t.rejects(
    ask('GET', 'prefix=x'),
    { code: 'NotImplemented' },
    'the first version of listing',
  )
  await t.rejects(ask('GET', 'list-type=2&delimiter=x'), { code: 'NotImplemented' })
  await t.rejects(minio.makeBucket('lake'), { code: 'BucketAlreadyOwnedByYou' })
  t.equal(await minio.bucketExists('absent'), false)
})

t.test('it holds no more than it may, and what is replaced makes room', async (t) => {
  const { minio } = await started(t, { bytesMax: 100 })
  await minio.putObject('lake', 'a', Buffer.alloc(60))
  await t.rejects(minio.putObject('lake', 'b', Buffer.alloc(60)), { code: 'XMinioStorageFull' })
  await t.rejects(minio.putObject('lake', 'b', Buffer.alloc(101)), { code: 'EntityTooLarge' })
  await minio.removeObject('lake', 'a')
  await minio.putObject('lake', 'b', Buffer.alloc(60))
})

t.test('every request is logged', async (t) => {
  const { server, minio } = await started(t)
  await minio.putObject('lake', 'ä', Buffer.from('0123456789'))
  const stream = await minio.getPartialObject('lake', 'ä', 2, 3)
  await stream.toArray()
  t.match(server.requests(), [
    { method: 'PUT', url: '/lake', status: 200 },
    { method: 'PUT', url: '/lake/%C3%A4', status: 200 },
    { method: 'GET', url: '/lake/%C3%A4', range: 'bytes=2-4', status: 206 },
  ])
  t.equal(server.requestCount(), 3)
})
