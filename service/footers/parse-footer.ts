import type { Field } from '../arrow/arrow-type.ts'
import { GatewayError } from '../errors.ts'
import type { ByteRange } from '../objects/byte-range.ts'
import type { ObjectVersion } from '../objects/object-store.ts'
import { arrowField } from './arrow-fields.ts'
import { applyArrowHint, ARROW_SCHEMA_KEY, readArrowHint } from './arrow-hint.ts'
import { checkChunks } from './chunk-checks.ts'
import { CHUNK_SLOTS, chunkSlots } from './chunk-table.ts'
import { FOOTER_BYTES_MAX, MAGIC_BYTES, TRAILER_BYTES } from './footer-limits.ts'
import { type FooterScan, scanFooter } from './footer-scan.ts'
import {
  type Codec,
  codecs,
  type ColumnChunk,
  type FileColumn,
  type Footer,
  type Leaf,
} from './footer.ts'
import type { SchemaNode } from './parquet-schema.ts'
import { readStatistics } from './raw-statistics.ts'
import { type FileColumns, SchemaShelf } from './schema-shelf.ts'
import { type Fail, ThriftReader } from './thrift-reader.ts'

/** What of a file the parser needs: its name for errors, its size for checks. */
export interface FooterSource {
  readonly name: string
  readonly sizeBytes: number
}

/** An object as the source of a footer. */
export function footerSource(
  object: Pick<ObjectVersion, 'bucket' | 'key' | 'sizeBytes'>,
): FooterSource {
  return { name: `${object.bucket}/${object.key}`, sizeBytes: object.sizeBytes }
}

/** Memory of a schema node, its leaf and its field: measured, rounded up. */
const NODE_HELD_BYTES = 1000

/**
 * Where the thrift of the footer lies in the file, told from the file's last 8 bytes or more.
 *
 * @throws {GatewayError} `unreadable_file` no Parquet file; `unsupported` encrypted; `too_large` above
 *   FOOTER_BYTES_MAX.
 */
export function footerRange(tail: Uint8Array, source: FooterSource): ByteRange {
  const fail = failFor(source)
  if (source.sizeBytes < MAGIC_BYTES + TRAILER_BYTES || tail.length < TRAILER_BYTES) {
    fail(`it has ${source.sizeBytes} bytes`)
  }
  const trailer = tail.subarray(tail.length - TRAILER_BYTES)
  const magic = String.fromCharCode(...trailer.subarray(4))
  if (magic === 'PARE') throw unsupported(source, 'its footer is encrypted')
  if (magic !== 'PAR1') fail('it does not end with PAR1')
  const length = new DataView(trailer.buffer, trailer.byteOffset).getUint32(0, true)
  const end = source.sizeBytes - TRAILER_BYTES
  if (length > end - MAGIC_BYTES) {
    fail(`its footer claims ${length} bytes in a file of ${source.sizeBytes}`)
  }
  if (length > FOOTER_BYTES_MAX) {
    throw new GatewayError(
      'too_large',
      `${source.name} has a footer of ${length} bytes, more than ${FOOTER_BYTES_MAX}: write fewer row groups`,
    )
  }
  return { start: end - length, end }
}

/**
 * Parses and checks a footer. `tail` is the end of the file and must hold the whole footer (`footerRange`); `shelf`
 * has the schemas of other files.
 *
 * @throws {GatewayError} as `footerRange`; `unreadable_file` names the object and what is wrong with it.
 */
export function parseFooter(
  tail: Uint8Array,
  object: Pick<ObjectVersion, 'bucket' | 'key' | 'sizeBytes'>,
  shelf?: SchemaShelf,
): Footer {
  return readFooter(tail, footerSource(object), shelf)
}

/** As `parseFooter`, for what is no object of a store. */
export function readFooter(
  tail: Uint8Array,
  source: FooterSource,
  shelf: SchemaShelf = new SchemaShelf(),
): Footer {
  const fail = failFor(source)
  const range = footerRange(tail, source)
  const start = tail.length - (source.sizeBytes - range.start)
  if (start < 0) fail('its footer was not read whole')
  // A copy of its own: the footer outlives the tail, which may be much larger.
  const bytes = tail.slice(start, tail.length - TRAILER_BYTES)
  const scan = scanFooter(new ThriftReader(bytes, 0, fail), shelf)
  if (scan.unsupported !== undefined) throw unsupported(source, scan.unsupported)
  return makeFooter(bytes, scan, { fail, footerStart: range.start, shelf })
}

interface FooterContext {
  readonly fail: Fail
  readonly shelf: SchemaShelf
  readonly footerStart: number
}

function makeFooter(bytes: Uint8Array, scan: FooterScan, context: FooterContext): Footer {
  const { fail } = context
  const hint = scan.keyValues.find(([key]) => key === ARROW_SCHEMA_KEY)?.[1]
  const make = (): FileColumns => readColumns(scan.schema, hint, fail)
  const { leaves, columns } = context.shelf.columns(scan.schema, hint, make)
  const groupBytes = checkChunks(scan, { leaves, footerStart: context.footerStart, fail })
  const { chunks, groupRows } = scan
  const keyValues = scan.keyValues.filter(([key]) => key !== ARROW_SCHEMA_KEY)
  const row = (groupIndex: number, leafIndex: number): number => {
    if (!(groupIndex in groupRows) || !(leafIndex in leaves)) {
      throw new RangeError(`there is no chunk ${leafIndex} in row group ${groupIndex}`)
    }
    return (groupIndex * leaves.length + leafIndex) * CHUNK_SLOTS
  }
  return {
    bytes,
    createdBy: scan.createdBy,
    rowCount: scan.rowCount,
    rowGroupCount: groupRows.length,
    columns,
    leaves,
    keyValues: Object.fromEntries(keyValues),
    heldBytes:
      bytes.length +
      chunks.byteLength +
      groupRows.byteLength * 2 +
      leaves.length * NODE_HELD_BYTES +
      keyValues.reduce((sum, [key, value]) => sum + 2 * (key.length + value.length), 0),
    rowGroup: (groupIndex) => ({
      rowCount: at(groupRows, groupIndex),
      decodedBytes: at(groupBytes, groupIndex),
    }),
    chunk: (groupIndex, leafIndex) => readRow(chunks, row(groupIndex, leafIndex)),
    statistics: (groupIndex, leafIndex) => {
      const position = at(chunks, row(groupIndex, leafIndex) + chunkSlots.statistics)
      const leaf = leaves[leafIndex]
      if (position === 0 || leaf === undefined) return undefined
      return readStatistics(new ThriftReader(bytes, position, fail), leaf.physicalType)
    },
  }
}

function readRow(chunks: Float64Array, row: number): ColumnChunk {
  const number = (slot: number): number => at(chunks, row + slot)
  const dataPageOffset = number(chunkSlots.dataPageOffset)
  const dictionaryPageOffset = number(chunkSlots.dictionaryPageOffset)
  const start = dictionaryPageOffset === 0 ? dataPageOffset : dictionaryPageOffset
  return {
    codec: codecs[number(chunkSlots.codec)] as Codec,
    start,
    end: start + number(chunkSlots.compressedBytes),
    dataPageOffset,
    dictionaryPageOffset,
    uncompressedBytes: number(chunkSlots.uncompressedBytes),
    valueCount: number(chunkSlots.valueCount),
    columnIndexOffset: number(chunkSlots.columnIndexOffset),
    columnIndexBytes: number(chunkSlots.columnIndexBytes),
    offsetIndexOffset: number(chunkSlots.offsetIndexOffset),
    offsetIndexBytes: number(chunkSlots.offsetIndexBytes),
    bloomFilterOffset: number(chunkSlots.bloomFilterOffset),
    bloomFilterBytes: number(chunkSlots.bloomFilterBytes),
    encodings: number(chunkSlots.encodings),
    isDictionaryCoded: dictionaryPageOffset !== 0 && isDictionaryCoded(number),
  }
}

/** Bits of the numbers in parquet.thrift, `Encoding`. */
const DICTIONARY_BITS = (1 << 2) | (1 << 8)
const LEVEL_BITS = (1 << 3) | (1 << 4)
const PLAIN_DICTIONARY_BIT = 1 << 2

/** Without statistics of the pages: PLAIN_DICTIONARY and nothing else that values could be coded with. */
function isDictionaryCoded(number: (slot: number) => number): boolean {
  const ofData = number(chunkSlots.dataEncodings)
  if (ofData !== 0) return (ofData & ~DICTIONARY_BITS) === 0
  const all = number(chunkSlots.encodings)
  return (all & PLAIN_DICTIONARY_BIT) !== 0 && (all & ~(PLAIN_DICTIONARY_BIT | LEVEL_BITS)) === 0
}

function at(numbers: Float64Array, index: number): number {
  const number = numbers[index]
  if (number === undefined) throw new RangeError(`there is no row group or chunk ${index}`)
  return number
}

function readColumns(schema: SchemaNode, hintText: string | undefined, fail: Fail): FileColumns {
  const leaves: Leaf[] = []
  const hint = hintText === undefined ? undefined : readArrowHint(hintText)
  const hints = hint?.fields.length === schema.children.length ? hint.fields : []
  const columns = schema.children.map((node, columnIndex): FileColumn => {
    const leafStart = leaves.length
    addLeaves(leaves, node, { columnIndex, path: [], definition: 0, repetition: 0 })
    const field: Field = applyArrowHint(arrowField(node, fail), hints[columnIndex])
    return { field, leafStart, leafEnd: leaves.length }
  })
  return { leaves, columns }
}

interface LeafContext {
  readonly columnIndex: number
  readonly path: readonly string[]
  readonly definition: number
  readonly repetition: number
}

function addLeaves(leaves: Leaf[], node: SchemaNode, above: LeafContext): void {
  const here: LeafContext = {
    columnIndex: above.columnIndex,
    path: [...above.path, node.name],
    definition: above.definition + Number(node.repetition !== 'required'),
    repetition: above.repetition + Number(node.repetition === 'repeated'),
  }
  for (const child of node.children) addLeaves(leaves, child, here)
  if (node.physicalType === null) return
  leaves.push({
    path: here.path,
    columnIndex: here.columnIndex,
    physicalType: node.physicalType,
    typeLength: node.typeLength,
    maxDefinitionLevel: here.definition,
    maxRepetitionLevel: here.repetition,
  })
}

function failFor(source: FooterSource): Fail {
  return (what) => {
    throw new GatewayError(
      'unreadable_file',
      `${source.name} is not a readable parquet file: ${what}`,
    )
  }
}

function unsupported(source: FooterSource, what: string): GatewayError {
  return new GatewayError('unsupported', `${source.name} cannot be read: ${what}`)
}
