import { readFile } from 'node:fs/promises'
import { CreateBucketCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3'
import t from 'tap'
import { decodeSchema } from '../../service/athena/arrow-blocks.ts'
import { brokenRule } from '../../service/athena/broken-rule.ts'
import { athena } from '../../service/athena/engine.ts'
import { invokeInProcess } from '../../service/athena/invoke.ts'
import { readReadRecords } from '../../service/athena/responses.ts'
import { decodeSpilledBlock, s3SpillReader } from '../../service/athena/spilled-blocks.ts'
import { referenceConnector } from '../support/reference-connector.ts'
import { minioBinary, startMinio } from '../support/start-minio.ts'

const golden = new URL('../golden/athena/', import.meta.url)
const never = new AbortController().signal

t.test(
  'reads spilled blocks from a real S3 server',
  { skip: minioBinary() === undefined && 'no minio' },
  async (t) => {
    const server = await startMinio()
    const credentials = { accessKeyId: server.accessKey, secretAccessKey: server.secretKey }
    const client = new S3Client({
      endpoint: server.url,
      region: 'us-east-1',
      forcePathStyle: true,
      credentials,
    })
    const spills = s3SpillReader({ endpoint: server.url, credentials })
    t.teardown(async () => {
      spills.close()
      client.destroy()
      await server.stop()
    })
    await client.send(new CreateBucketCommand({ Bucket: 'spill' }))
    const put = (Key: string, Body: Uint8Array) =>
      client.send(new PutObjectCommand({ Bucket: 'spill', Key, Body }))

    await t.test('an object of the reference', async (t) => {
      const object = await readFile(new URL('java_spill_enc.bin', golden))
      await put('prefix/q/id.0', object)
      const location = { bucket: 'spill', key: 'prefix/q/id.0', directory: false }
      const text = await readFile(new URL('java_rrr_v6.json', golden), 'utf8')
      const { value } = readReadRecords(JSON.parse(text))
      if (value.kind !== 'spilled') throw new Error('not spilled')
      const schema = decodeSchema(value.schema, 'the schema')
      const found = await spills.read(location, never)
      t.strictSame(Buffer.from(found), object)
      t.equal(decodeSpilledBlock(found, value.encryptionKey, schema, 'it').rowCount, 3)
    })

    await t.test('a whole query', async (t) => {
      const objects = new Map<string, Uint8Array>()
      const connector = referenceConnector({ objects, spilledBlocks: 3, splitCount: 4 })
      const invoke = invokeInProcess(async (event, context) => {
        const answer = await connector(event, context)
        for (const [path, object] of objects) await put(path.slice('spill/'.length), object)
        objects.clear()
        return answer
      })
      const box = athena({ invoke, spills })
      const result = await box.query({ schema: 'reference', table: 'all_types' }, never)
      let rows = 0
      for await (const batch of result.batches()) rows += batch.rowCount
      t.equal(rows, 40)
      t.equal(result.statistics.spilledBlocks, 12)
      t.strictSame(result.warnings, [])
    })

    await t.test('an object that is not there, or too large, is named', async (t) => {
      const missing = { bucket: 'spill', key: 'prefix/none.0', directory: false }
      const failure = await spills.read(missing, never).catch((error: unknown) => error)
      t.equal(brokenRule(failure), 'spill_object')
      t.match(failure, { message: /s3:\/\/spill\/prefix\/none\.0 cannot be read/ })
      await put('large', Buffer.alloc(48_000_001))
      const large = { bucket: 'spill', key: 'large', directory: false }
      await t.rejects(spills.read(large, never), { message: /more than 48000000/ })
      const controller = new AbortController()
      controller.abort()
      await t.rejects(spills.read(missing, controller.signal), { code: 'cancelled' })
    })
  },
)
