import type { Block } from '../proto/gen/spillway/v1/federation_pb.ts'
import { blockRowCount, inlineBlock, inlineRecordsLength } from './athena-blocks.ts'
import {
  readBlockSizes,
  readConstraintsJson,
  readRecordsResponse,
  readSplit,
  readTableName,
  remoteReadRecordsResponse,
  responseBytesMax,
  type Request,
  type Split,
} from './athena-messages.ts'
import { ConnectorError } from './errors.ts'
import { bytesOf, textOf } from './json-fields.ts'
import { contextOf } from './metadata-calls.ts'
import type { Answer, Invocation } from './shim.ts'
import { spillWriter, type SpillWriter } from './spill.ts'

/** A block is closed here, so that one more batch rarely passes Athena's 16,000,000. */
const blockBytesTarget = 13_000_000
/** Athena refuses larger blocks whatever it asked for. */
const athenaBlockBytesMax = 16_000_000
/** Room for a block's metadata and framing: 500 columns take about 32 KiB. */
const blockMarginBytes = 65_536
/** Keys and names of a ReadRecordsResponse around its schema and records. */
const inlineOverheadLength = 1_024

/** Rows of one split: inline when they are one small block, else spilled in order. */
export async function readRecords(request: Request, call: Invocation): Promise<Answer> {
  const { config, gateway, spillStore } = call.shim()
  const { schemaName, tableName } = readTableName(request)
  const schema = textOf(request.fields, 'schema')
  const split = readSplit(request)
  const sizes = readBlockSizes(request)
  const stop = new AbortController()
  const onDeadline = (): void => stop.abort(call.signal.reason)
  call.signal.addEventListener('abort', onDeadline)
  const blocks = gateway.readSplit(
    {
      context: contextOf(request),
      schema: schemaName,
      table: tableName,
      ticket: split.ticket,
      arrowSchema: bytesOf(request.fields, 'schema'),
      constraintsJson: readConstraintsJson(request),
      ...blockLimits(sizes.blockBytesMax, config.blockBytesMax),
    },
    call.deadline,
    stop.signal,
  )
  const fits = inlineTest(sizes.inlineBytesMax, request.catalogName, schema)
  const open = (): SpillWriter =>
    spillWriter(spillStore, spillTarget(split, schemaName, tableName), stop)
  try {
    return await answerOf(request, blocks, { schema, split, fits, open })
  } finally {
    stop.abort(new ConnectorError('cancelled', 'the call is over'))
    call.signal.removeEventListener('abort', onDeadline)
  }
}

interface Reading {
  readonly schema: string
  readonly split: Split
  readonly fits: (block: Block) => boolean
  readonly open: () => SpillWriter
}

/** Holds the first block back while it may yet be the only one. */
async function answerOf(
  { catalogName }: Request,
  blocks: AsyncIterable<Block>,
  { schema, split, fits, open }: Reading,
): Promise<Answer> {
  let rowCount = 0
  let blockBytes = 0
  let held: Block | null = null
  let writer: SpillWriter | null = null
  for await (const block of blocks) {
    rowCount += blockRowCount(block)
    blockBytes += block.dataBody.length
    if (writer === null && held === null && fits(block)) {
      held = block
      continue
    }
    writer ??= open()
    if (held !== null) await writer.write(held)
    held = null
    await writer.write(block)
  }
  if (writer === null) {
    const response = readRecordsResponse(catalogName, inlineBlock(schema, held))
    return { response, rowCount, blockBytes, spilledCount: 0 }
  }
  const remoteBlocks = await writer.close()
  const { encryptionKey } = split
  const response = remoteReadRecordsResponse({ catalogName, schema, remoteBlocks, encryptionKey })
  return { response, rowCount, blockBytes, spilledCount: remoteBlocks.length }
}

/** What the gateway may put in a block, in bytes of Arrow body. */
export function blockLimits(
  askedBytesMax: number,
  ownBytesMax: number | null,
): { readonly blockBytesTarget: number; readonly blockBytesMax: number } {
  const asked = Math.min(askedBytesMax, athenaBlockBytesMax)
  const margin = Math.min(blockMarginBytes, Math.floor(asked / 8))
  const blockBytesMax = Math.max(1, Math.min(asked - margin, ownBytesMax ?? asked))
  return { blockBytesTarget: Math.min(blockBytesTarget, blockBytesMax), blockBytesMax }
}

function inlineTest(
  inlineBytesMax: number,
  catalogName: string,
  schema: string,
): (block: Block) => boolean {
  const around =
    inlineOverheadLength + Buffer.byteLength(JSON.stringify(catalogName)) + schema.length
  return (block) =>
    block.dataBody.length <= inlineBytesMax &&
    around + inlineRecordsLength(block) <= responseBytesMax
}

function spillTarget(
  { spillLocation, encryptionKey }: Split,
  schemaName: string,
  tableName: string,
): Parameters<typeof spillWriter>[1] {
  if (spillLocation === null)
    throw new ConnectorError(
      'too_large',
      `the rows of a split of ${schemaName}.${tableName} do not fit inline and spill_bucket is not set: set spill_bucket to an S3 bucket of this account`,
    )
  return { location: spillLocation, encryptionKey }
}
