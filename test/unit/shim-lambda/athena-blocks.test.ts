import { createCipheriv } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { create } from '@bufbuild/protobuf'
import t from 'tap'
import { BlockSchema, type Block } from '../../../proto/gen/spillway/v1/federation_pb.ts'
import {
  blockRowCount,
  inlineBlock,
  inlineRecordsLength,
  onePartition,
  spillPieces,
} from '../../../shim-lambda/athena-blocks.ts'
import { blockSealer } from '../../../shim-lambda/block-crypto.ts'

const golden = (name: string): Buffer =>
  readFileSync(new URL(`../../golden/athena/${name}`, import.meta.url))
const goldenBlock = (name: string): { schema: string; records: string } =>
  JSON.parse(golden(name).toString()).records

/** What the gateway would send for a modern-framed message. */
function blockOf(records: string): Block {
  const message = Buffer.from(records, 'base64')
  const bodyStart = 8 + message.readInt32LE(4)
  return create(BlockSchema, {
    dataHeader: message.subarray(8, bodyStart),
    dataBody: message.subarray(bodyStart),
  })
}

const sequence = (start: number, length: number): string =>
  Buffer.from(Array.from({ length }, (_, index) => start + index)).toString('base64')

t.test('frames inline records as the SDK does, byte for byte', async (t) => {
  const { schema, records } = goldenBlock('java_rr_v6.json')
  const block = blockOf(records)
  t.strictSame(inlineBlock(schema, block), { aId: 'spillway', schema, records })
  t.equal(inlineRecordsLength(block), records.length)
})

t.test('writes no records for no rows', async (t) => {
  const { schema, records } = goldenBlock('java_rr_empty_v6.json')
  t.equal(inlineBlock(schema, null).records, records)
})

t.test(
  'frames a spilled object as the SDK does, byte for byte, and leaves the block alone',
  async (t) => {
    const block = blockOf(goldenBlock('java_rr_v6.json').records)
    const headerBefore = Buffer.from(block.dataHeader)
    const [head, body] = spillPieces(block)
    t.equal(head.length % 8, 0)
    t.strictSame(Buffer.concat([head, body]), golden('java_spill_plain.bin'))
    t.strictSame(Buffer.from(block.dataHeader), headerBefore)
  },
)

t.test('patches the version of a flatbuffer laid out by apache-arrow', async (t) => {
  const { records } = JSON.parse(golden('js_modern.json').toString()).records
  const pieces = spillPieces(blockOf(records))
  t.strictSame(Buffer.concat(pieces), golden('js_spill_plain.bin'))
})

t.test('pads a header that is not padded', async (t) => {
  const block = blockOf(goldenBlock('java_rr_v6.json').records)
  for (const cut of [0, 1, 4, 7]) {
    const dataHeader = block.dataHeader.subarray(0, block.dataHeader.length - cut)
    const odd = create(BlockSchema, { dataHeader, dataBody: block.dataBody })
    const inline = Buffer.from(inlineBlock('', odd).records, 'base64')
    t.equal((8 + inline.readInt32LE(4)) % 8, 0)
    t.equal(inlineRecordsLength(odd), inlineBlock('', odd).records.length)
    const [head] = spillPieces(odd)
    t.equal(head.length % 8, 0)
    t.equal(Buffer.from(head).readInt32LE(0), head.length - 4)
  }
})

t.test('encrypts with the key of the split as the SDK does', async (t) => {
  const pieces = spillPieces(blockOf(goldenBlock('java_rr_v6.json').records))
  const seal = blockSealer({ key: sequence(0, 32), nonce: sequence(0xa0, 12) })
  t.strictSame(seal(pieces), golden('java_spill_enc.bin'))
  t.strictSame(seal(pieces), golden('java_spill_enc.bin'), 'every block alike')
})

t.test('seals a block of many steps as in one', async (t) => {
  const key = { key: sequence(0, 32), nonce: sequence(0xa0, 12) }
  const pieces = [Buffer.alloc(1_000, 1), Buffer.alloc(700_001, 2)]
  const cipher = createCipheriv(
    'aes-256-gcm',
    Buffer.from(key.key, 'base64'),
    Buffer.from(key.nonce, 'base64'),
  )
  const whole = [cipher.update(Buffer.concat(pieces)), cipher.final(), cipher.getAuthTag()]
  t.ok(Buffer.concat(whole).equals(blockSealer(key)(pieces)))
})

t.test('takes keys of 16 and 24 bytes, and none', async (t) => {
  const pieces = spillPieces(blockOf(goldenBlock('java_rr_v6.json').records))
  for (const keyBytes of [16, 24]) {
    const sealed = blockSealer({ key: sequence(0, keyBytes), nonce: sequence(0xa0, 12) })(pieces)
    t.equal(sealed.length, golden('java_spill_enc.bin').length)
  }
  t.strictSame(blockSealer(null)(pieces), golden('java_spill_plain.bin'))
})

t.test('refuses a key or a nonce of another length', async (t) => {
  const nonce = sequence(0xa0, 12)
  t.throws(() => blockSealer({ key: sequence(0, 20), nonce }), { code: 'invalid_request' })
  t.throws(() => blockSealer({ key: sequence(0, 32), nonce: sequence(0, 16) }), {
    code: 'invalid_request',
  })
})

t.test('counts rows without decoding', async (t) => {
  t.equal(blockRowCount(blockOf(goldenBlock('java_rr_v6.json').records)), 3)
  t.equal(blockRowCount(blockOf(onePartition.records)), 1)
})

t.test('refuses a block that is no record batch', async (t) => {
  const schema = create(BlockSchema, {
    dataHeader: Buffer.from(onePartition.schema, 'base64').subarray(8),
  })
  t.throws(() => blockRowCount(schema), { code: 'internal' })
})

t.test('lays out every table as the one dummy partition of the SDK', async (t) => {
  const { partitions } = JSON.parse(golden('java_layout_default_v6.json').toString())
  t.equal(onePartition.records, partitions.records)
  t.equal(onePartition.schema, partitions.schema)
})
