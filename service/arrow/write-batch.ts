import assert from 'node:assert'
import { GatewayError } from '../errors.ts'
import type { ArrowType } from './arrow-type.ts'
import { bitmapBytes, copyBits, setBits } from './bitmap.ts'
import type { Column } from './column.ts'
import { formatType } from './format-type.ts'
import { OFFSET_MAX } from './rebuild-column.ts'
import type { BufferSpan, FieldNode, RecordBatchShape } from './record-batch-message.ts'
import { childRun, countNulls, elementRun } from './slice-column.ts'
import { int32View, uint32View } from './typed-views.ts'
import { offsetBytes, valueBytes } from './type-width.ts'

/** Rows `start` to `start + count` of columns that are of the output's types already. */
export interface BatchPiece {
  readonly columns: readonly Column[]
  readonly start: number
  readonly count: number
}

/** A record batch whose shape is known and whose bytes are not written yet. */
export interface BatchPlan extends RecordBatchShape {
  /** Writes every byte of the body; the target is exactly `bodyBytes` long. */
  writeBody(target: Uint8Array): void
}

/** Buffers begin at multiples of this, the alignment Arrow recommends. */
export const BUFFER_ALIGNMENT_BYTES = 64
/** Arrow's own Java reader fails on a body of no bytes when there are rows, so such a batch gets these. */
const EMPTY_BODY_BYTES = 8

/** Rows of one column. */
interface Slice {
  readonly column: Column
  readonly start: number
  readonly count: number
}

interface PlannedBuffer extends BufferSpan {
  /** Writes all of the `lengthBytes` bytes, whatever stood there. */
  write(target: Uint8Array): void
}

/**
 * One record batch of the pieces' rows, in order. Nothing uninitialised is written: padding is zero, and so is
 * what stands in the place of a null of fixed width. Text and list elements behind a null are kept as the
 * column has them. A validity bitmap is written only when there are nulls.
 *
 * @throws {GatewayError} `too_large` a column of more than 2 GiB.
 */
export function planBatch(types: readonly ArrowType[], pieces: readonly BatchPiece[]): BatchPlan {
  const nodes: FieldNode[] = []
  const buffers: PlannedBuffer[] = []
  let end = 0
  const sink: Sink = {
    node: (node) => nodes.push(node),
    buffer: (lengthBytes, write) => {
      buffers.push({ offset: end, lengthBytes, write })
      end += padded(lengthBytes)
    },
  }
  types.forEach((type, index) => {
    const slices = pieces.map(({ columns, start, count }) => {
      const column = columns[index]
      assert(column !== undefined, 'a piece with too few columns')
      return { column, start, count }
    })
    planColumn(type, slices, sink)
  })
  const rowCount = pieces.reduce((sum, piece) => sum + piece.count, 0)
  const bodyBytes = end === 0 && rowCount > 0 ? EMPTY_BODY_BYTES : end
  return {
    rowCount,
    nodes,
    buffers,
    bodyBytes,
    writeBody: (target) => writeBuffers(buffers, target),
  }
}

function padded(lengthBytes: number): number {
  return Math.ceil(lengthBytes / BUFFER_ALIGNMENT_BYTES) * BUFFER_ALIGNMENT_BYTES
}

function writeBuffers(buffers: readonly PlannedBuffer[], target: Uint8Array): void {
  for (const buffer of buffers) {
    const { offset, lengthBytes } = buffer
    const place = target.subarray(offset, offset + lengthBytes)
    assert(place.length === lengthBytes, 'the body is shorter than planned')
    if (lengthBytes > 0) buffer.write(place)
    target.fill(0, offset + lengthBytes, offset + padded(lengthBytes))
  }
  if (buffers.length === 0) target.fill(0)
}

interface Sink {
  node(node: FieldNode): void
  buffer(lengthBytes: number, write: (target: Uint8Array) => void): void
}

function planColumn(type: ArrowType, slices: readonly Slice[], sink: Sink): void {
  const rowCount = slices.reduce((sum, slice) => sum + slice.count, 0)
  const nullCount = slices.reduce((sum, s) => sum + countNulls(s.column, s.start, s.count), 0)
  sink.node({ rowCount, nullCount })
  if (type.kind === 'null') return
  sink.buffer(nullCount === 0 ? 0 : bitmapBytes(rowCount), (target) =>
    writeValidity(slices, target),
  )
  if (offsetBytes(type) !== 0) planOffsets(type, slices, sink)
  switch (type.kind) {
    case 'bool':
      return sink.buffer(bitmapBytes(rowCount), (target) => writeBits(slices, target))
    case 'struct':
      return type.children.forEach((child, index) =>
        planColumn(child.type, childSlices(slices, index), sink),
      )
    case 'list':
    case 'large_list':
    case 'fixed_size_list':
      return planColumn(type.child.type, childSlices(slices, 0), sink)
    case 'map':
      return planColumn(type.entries.type, childSlices(slices, 0), sink)
    case 'utf8':
    case 'large_utf8':
    case 'binary':
    case 'large_binary':
      return sink.buffer(elementCount(slices), (target) => writeElements(slices, target))
    case 'utf8_view':
    case 'binary_view':
    case 'dictionary':
      throw new GatewayError('unsupported', `${formatType(type)} cannot be sent; cast it first`)
    default: {
      const width = valueBytes(type)
      return sink.buffer(rowCount * width, (target) => writeFixed(slices, width, target))
    }
  }
}

function childSlices(slices: readonly Slice[], index: number): Slice[] {
  return slices.map(({ column, start, count }) => {
    const child = column.children[index]
    assert(child !== undefined, 'a missing child')
    return { column: child, ...childRun(column, start, count) }
  })
}

function elementCount(slices: readonly Slice[]): number {
  return slices.reduce((sum, s) => sum + elementRun(s.column, s.start, s.count).count, 0)
}

function planOffsets(type: ArrowType, slices: readonly Slice[], sink: Sink): void {
  const rowCount = slices.reduce((sum, slice) => sum + slice.count, 0)
  const width = offsetBytes(type)
  if (elementCount(slices) > OFFSET_MAX) {
    throw new GatewayError(
      'too_large',
      'one block of a column passes 2 GiB; ask for smaller blocks',
    )
  }
  sink.buffer((rowCount + 1) * width, (target) =>
    width === 4 ? writeOffsets(slices, target) : writeLargeOffsets(slices, target),
  )
}

/** Offsets counted from the first row of the batch, piece after piece. The target is aligned. */
function writeOffsets(slices: readonly Slice[], target: Uint8Array): void {
  const offsets = new Int32Array(target.buffer, target.byteOffset, target.byteLength / 4)
  let row = 0
  let base = 0
  offsets[0] = 0
  for (const { column, start, count } of slices) {
    if (count === 0) continue
    const source = int32View(column.offsets ?? new Uint8Array(0))
    const first = column.offset + start
    const shift = base - (source[first] ?? 0)
    for (let i = 1; i <= count; i++) offsets[row + i] = (source[first + i] ?? 0) + shift
    row += count
    base = offsets[row] ?? 0
  }
}

/** The same in 64 bits; what is written stays below 2^31, so the low words do. */
function writeLargeOffsets(slices: readonly Slice[], target: Uint8Array): void {
  const words = new Uint32Array(target.buffer, target.byteOffset, target.byteLength / 4).fill(0)
  let row = 0
  let base = 0
  for (const { column, start, count } of slices) {
    if (count === 0) continue
    const source = uint32View(column.offsets ?? new Uint8Array(0))
    const first = column.offset + start
    const shift = base - (source[first * 2] ?? 0)
    for (let i = 1; i <= count; i++) words[(row + i) * 2] = (source[(first + i) * 2] ?? 0) + shift
    row += count
    base = words[row * 2] ?? 0
  }
}

function writeElements(slices: readonly Slice[], target: Uint8Array): void {
  let at = 0
  for (const { column, start, count } of slices) {
    const run = elementRun(column, start, count)
    at += writeBytes(column.values, run.start, target.subarray(at, at + run.count))
  }
}

function writeFixed(slices: readonly Slice[], width: number, target: Uint8Array): void {
  let at = 0
  for (const { column, start, count } of slices) {
    const place = target.subarray(at, at + count * width)
    at += writeBytes(column.values, (column.offset + start) * width, place)
    if (column.nullCount > 0) zeroNulls({ column, start, count }, width, place)
  }
}

/** Fills the target from the source; a source too short for it is a defect, not a short copy. */
function writeBytes(source: Uint8Array | null, from: number, target: Uint8Array): number {
  if (target.length === 0) return 0
  const bytes = source?.subarray(from, from + target.length)
  assert(bytes?.length === target.length, 'a column with too few bytes')
  target.set(bytes)
  return target.length
}

/** What a decoder left in the place of a null is not for others to see. Whole bytes of the bitmap go fast. */
function zeroNulls({ column, start, count }: Slice, width: number, target: Uint8Array): void {
  const bits = column.validity
  if (bits === null) return
  const shift = column.offset + start
  for (let row = 0; row < count; row++) {
    const position = shift + row
    const byte = bits[position >>> 3] ?? 0
    if ((position & 7) === 0 && byte === 0xff) {
      row += 7
      continue
    }
    if (((byte >>> (position & 7)) & 1) === 1) continue
    target.fill(0, row * width, (row + 1) * width)
  }
}

function writeValidity(slices: readonly Slice[], target: Uint8Array): void {
  target.fill(0)
  let row = 0
  for (const { column, start, count } of slices) {
    if (column.nullCount === 0 || column.validity === null) setBits(target, row, count)
    else copyBits({ bits: column.validity, start: column.offset + start, count }, target, row)
    row += count
  }
}

function writeBits(slices: readonly Slice[], target: Uint8Array): void {
  target.fill(0)
  let row = 0
  for (const { column, start, count } of slices) {
    const bits = column.values ?? new Uint8Array(0)
    copyBits({ bits, start: column.offset + start, count }, target, row)
    if (column.nullCount > 0) clearNullBits({ column, start, count }, target, row)
    row += count
  }
}

function clearNullBits({ column, start, count }: Slice, target: Uint8Array, at: number): void {
  const bits = column.validity
  if (bits === null) return
  for (let i = 0; i < count; i++) {
    const from = column.offset + start + i
    if ((((bits[from >>> 3] ?? 0) >>> (from & 7)) & 1) === 1) continue
    const to = at + i
    target[to >>> 3] = (target[to >>> 3] ?? 0) & ~(1 << (to & 7))
  }
}
