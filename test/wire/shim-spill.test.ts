import assert from 'node:assert/strict'
import { createDecipheriv } from 'node:crypto'
import { Float64, Table, makeData, makeVector } from 'apache-arrow'
import t from 'tap'
import type { Handler } from '../../shim-lambda/handler.ts'
import { blocksOf, schemaMessage } from '../support/fake-gateway.ts'
import {
  findMinio,
  spillAccessKey,
  spillBucket,
  spillSecretKey,
  startSpillStore,
} from '../support/start-spill-store.ts'
import {
  ask,
  constraints,
  head,
  identity,
  inlineSplit,
  plainRows,
  readRequest,
  rowsOf,
  start,
  table,
  tableName,
  type WireAnswer,
  type WireSplit,
} from './shim-stage.ts'

const minio = findMinio()

t.test('with a spill store', { skip: minio === null && 'no MinIO' }, async (t) => {
  const store = await startSpillStore(minio ?? '')
  t.teardown(() => store.stop())
  process.env['AWS_ENDPOINT_URL_S3'] = store.url
  process.env['AWS_ACCESS_KEY_ID'] = spillAccessKey
  process.env['AWS_SECRET_ACCESS_KEY'] = spillSecretKey
  const settings = { spill_bucket: spillBucket, SPILLWAY_SPILL_PATH_STYLE: 'true' }

  const splitOf = async (
    handler: Handler,
    configOptions: Record<string, string> = {},
  ): Promise<WireSplit> => {
    const { splits } = await ask(handler, {
      '@type': 'GetSplitsRequest',
      ...head,
      identity: { ...identity, configOptions },
      tableName,
      constraints,
      continuationToken: null,
    })
    const [split] = splits
    assert(split !== undefined)
    return split
  }
  const opened = (bytes: Buffer, key: { key: string; nonce: string } | null): Buffer => {
    if (key === null) return bytes
    const secret = Buffer.from(key.key, 'base64')
    const algorithm = secret.length === 32 ? 'aes-256-gcm' : 'aes-128-gcm'
    const decipher = createDecipheriv(algorithm, secret, Buffer.from(key.nonce, 'base64'))
    decipher.setAuthTag(bytes.subarray(-16))
    return Buffer.concat([decipher.update(bytes.subarray(0, -16)), decipher.final()])
  }
  const spilledRows = async (answer: WireAnswer) => {
    const objects: Buffer[] = []
    for (const location of answer.remoteBlocks)
      objects.push(opened(await store.get(location.key), answer.encryptionKey))
    return rowsOf(answer.schema, ...objects)
  }
  const expected = plainRows(table)

  t.test('gives each split its own place and key', async (t) => {
    const { handler } = await start(t, { splitCount: 3 }, { ...settings, spill_prefix: 'a/b/' })
    const { splits } = await ask(handler, {
      '@type': 'GetSplitsRequest',
      ...head,
      tableName,
      constraints,
      continuationToken: null,
    })
    for (const split of splits) {
      t.match(split.spillLocation, {
        '@type': 'S3SpillLocation',
        bucket: spillBucket,
        key: /^a\/b\/q-1\/[0-9a-f-]{36}$/,
        directory: true,
      })
      t.equal(Buffer.from(split.encryptionKey.key, 'base64').length, 32)
    }
    t.equal(new Set(splits.map((split) => split.spillLocation.key)).size, 3)
    t.equal(new Set(splits.map((split) => split.encryptionKey.key)).size, 3)
  })

  t.test("prefers the identity's spill options", async (t) => {
    const { handler } = await start(t, {}, { ...settings, spill_bucket: 'not-this-one' })
    const options = { spill_bucket: spillBucket, spill_prefix: 'mine/q-1/' }
    const { spillLocation } = await splitOf(handler, options)
    t.equal(spillLocation.bucket, spillBucket)
    t.match(
      spillLocation.key,
      /^mine\/q-1\/[0-9a-f-]{36}$/,
      'the query id is in the prefix already',
    )
  })

  t.test('spills blocks in order under the key of the split, 32 bytes, 16 or none', async (t) => {
    const { handler, lines } = await start(t, { blocks: () => blocksOf(table, 1) }, settings)
    const key16 = { key: 'AAECAwQFBgcICQoLDA0ODw==', nonce: 'oKGio6Slpqeoqaqr' }
    const made = await splitOf(handler)
    for (const encryptionKey of [made.encryptionKey, key16, null]) {
      const split = { ...(await splitOf(handler)), encryptionKey }
      const answer = await ask(handler, readRequest({ split }))
      t.equal(answer['@type'], 'RemoteReadRecordsResponse')
      t.strictSame(answer.encryptionKey, encryptionKey)
      const { key } = split.spillLocation
      const keys = [0, 1, 2, 3, 4, 5].map((index) => `${key}.${index}`)
      t.strictSame(
        answer.remoteBlocks.map((location) => location.key),
        keys,
      )
      t.strictSame(await store.keys(key), keys)
      t.strictSame(await spilledRows(answer), expected)
      t.match(lines.at(-1), { rows: 6, spilled: 6 })
    }
  })

  t.test('spills one block that is above the inline size asked', async (t) => {
    const { handler } = await start(t, {}, settings)
    const split = await splitOf(handler)
    const answer = await ask(handler, readRequest({ split, maxInlineBlockSize: 8 }))
    t.equal(answer.remoteBlocks.length, 1)
    t.strictSame(await spilledRows(answer), expected)
  })

  t.test(
    'spills one block whose JSON would pass 5.9 MB, though Athena asks for more',
    async (t) => {
      const values = new Float64Array(560_000)
      const doubles = makeData({ type: new Float64(), length: values.length, data: values })
      const large = new Table({ v: makeVector(doubles) })
      const { handler } = await start(t, { blocks: () => blocksOf(large, values.length) }, settings)
      const split = await splitOf(handler)
      const event = readRequest({
        split,
        schema: Buffer.from(schemaMessage(large)).toString('base64'),
      })
      const answer = await ask(handler, event)
      t.equal(answer.remoteBlocks.length, 1)
      const fits = new Table({ v: makeVector(doubles).slice(0, 540_000) })
      const inline = await start(t, { blocks: () => blocksOf(fits, values.length) }, settings)
      const { '@type': type } = await ask(inline.handler, event)
      t.equal(type, 'ReadRecordsResponse')
    },
  )

  t.test('sends the headers asked with every object', async (t) => {
    const headers = { ...settings, spill_put_request_headers: '{"X-Amz-Meta-Owner":"ada"}' }
    const { handler } = await start(t, { blocks: () => blocksOf(table, 3) }, headers)
    const answer = await ask(handler, readRequest({ split: await splitOf(handler) }))
    for (const location of answer.remoteBlocks)
      t.strictSame(await store.metadata(location.key), { owner: 'ada' })
  })

  t.test('refuses to plan for a bucket that is not there', async (t) => {
    const { gateway, handler } = await start(t, {}, { ...settings, spill_bucket: 'nobodys-bucket' })
    await t.rejects(splitOf(handler), {
      message: /^forbidden: spill_bucket "nobodys-bucket" does not exist/,
    })
    t.equal(gateway.calls.length, 0)
  })

  t.test('stops the gateway at the first write error', async (t) => {
    const { gateway, handler } = await start(
      t,
      {
        async *blocks() {
          for (;;) {
            yield* blocksOf(table, 6)
            await new Promise((resolve) => setTimeout(resolve, 20))
          }
        },
      },
      settings,
    )
    const spillLocation = { bucket: 'nobodys-bucket', key: 'p/q/u', directory: true }
    await t.rejects(handler(readRequest({ split: { ...inlineSplit, spillLocation } })), {
      message: /^invalid_request: s3:\/\/nobodys-bucket\/p\/q\/u\.\d could not be written: /,
    })
    while (gateway.cancelledCount() < 1) await new Promise((resolve) => setTimeout(resolve, 10))
    t.equal(gateway.cancelledCount(), 1)
  })
})
