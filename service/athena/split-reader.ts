import type { Schema } from 'apache-arrow'
import { decodeBlock, decodeSchema } from './arrow-blocks.ts'
import type { Block } from './arrow-blocks.ts'
import { broken } from './broken-rule.ts'
import { readRecordsRequest } from './requests.ts'
import type { ReadQuestion } from './requests.ts'
import { readReadRecords } from './responses.ts'
import type { SpillLocation } from './responses.ts'
import type { Session } from './session.ts'
import { assertNumbering, assertSameKey, decodeSpilledBlock } from './spilled-blocks.ts'
import type { SpillReader } from './spilled-blocks.ts'
import { assertProjection } from './supported-types.ts'

/** Spilled objects of one split that are fetched ahead of the one being used. */
const objectsAhead = 1

/** A block of one split, where it came from and the bytes that were moved for it. */
export interface SplitBlock {
  readonly block: Block
  readonly source: 'inline' | 'spilled'
  readonly objectBytes: number
}

/** The blocks of one answered split; spilled ones are fetched as they are asked for. */
export type SplitBlocks = AsyncIterable<SplitBlock>

/** Invokes ReadRecords for one split and checks all of the answer that needs no spilled object. */
export async function readSplit(
  session: Session,
  spills: SpillReader,
  question: ReadQuestion & { readonly projection: Schema },
  signal: AbortSignal,
): Promise<SplitBlocks> {
  const event = readRecordsRequest(session.context, question)
  const answer = await session.ask(event, readReadRecords, signal)
  if (answer.kind === 'inline') {
    const block = decodeBlock(answer.records, 'the inline block')
    assertProjection(question.projection, block.schema, 'the inline block')
    if (block.bufferBytes > question.maxInlineBytes)
      throw broken(
        'inline_size',
        `an inline block of ${block.bufferBytes} bytes; maxInlineBlockSize is ${question.maxInlineBytes}`,
      )
    assertBlockSize(session, block, question.maxBlockBytes, 'the inline block')
    return once({ block, source: 'inline', objectBytes: 0 })
  }
  const schema = decodeSchema(answer.schema, 'the schema of a spilled answer')
  assertProjection(question.projection, schema, 'a spilled answer')
  assertSameKey(question.split, answer.encryptionKey)
  assertNumbering(question.split, answer.remoteBlocks)
  const decode = (object: Uint8Array, location: SpillLocation): SplitBlock => {
    const what = `spilled block ${location.key}`
    const block = decodeSpilledBlock(object, answer.encryptionKey, schema, what)
    warnOfFraming(session, block)
    assertBlockSize(session, block, question.maxBlockBytes, what)
    return { block, source: 'spilled', objectBytes: object.byteLength }
  }
  return spilledBlocks(answer.remoteBlocks, spills, decode, signal)
}

async function* once(block: SplitBlock): SplitBlocks {
  yield block
}

async function* spilledBlocks(
  locations: readonly SpillLocation[],
  spills: SpillReader,
  decode: (object: Uint8Array, location: SpillLocation) => SplitBlock,
  signal: AbortSignal,
): SplitBlocks {
  const coming: Promise<Uint8Array>[] = []
  for (const [index, location] of locations.entries()) {
    for (const next of locations.slice(index + coming.length, index + objectsAhead + 1)) {
      const object = spills.read(next, signal)
      // A failure is thrown when its turn comes; until then it must not count as unhandled.
      object.catch(() => {})
      coming.push(object)
    }
    const object = await coming.shift()
    if (object !== undefined) yield decode(object, location)
  }
}

/** One row cannot be divided, so a block of one row may be larger. */
function assertBlockSize(session: Session, block: Block, limit: number, what: string): void {
  if (block.rowCount > 1 && block.bufferBytes > limit)
    throw broken('block_size', `${what} holds ${block.bufferBytes} bytes; maxBlockSize is ${limit}`)
  if (block.rowCount > 1 && block.encodedBytes > limit)
    session.warn('an encoded block is larger than maxBlockSize although its buffers are not')
  if (block.trailingBytes > 0)
    session.warn(`${block.trailingBytes} bytes follow a block's message (an end-of-stream marker?)`)
}

function warnOfFraming(session: Session, block: Block): void {
  if (block.rowCount === 0) session.warn('a spilled block has no rows')
  if (block.framing === 'modern' || block.metadataVersion === 5)
    session.warn(
      `a spilled block has ${block.framing} framing and metadata V${block.metadataVersion}; the reference writes legacy and V4`,
    )
}
