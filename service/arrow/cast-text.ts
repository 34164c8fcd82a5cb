import assert from 'node:assert'
import type { ArrowType } from './arrow-type.ts'
import type { Column } from './column.ts'
import {
  type Cast,
  isPresent,
  OFFSET_MAX,
  textColumn,
  tooMuchText,
  valuesOf,
  withOffsets,
} from './rebuild-column.ts'
import { elementRun } from './slice-column.ts'
import { int32View, uint32View } from './typed-views.ts'

const UUID_BYTES = 16

/** Text and bytes in any layout to the plain layout; text to bytes; 16 fixed bytes to text are a UUID. */
export function textCast(from: ArrowType, to: ArrowType): Cast | undefined {
  if (from.kind === 'fixed_size_binary') {
    const { byteWidth } = from
    if (to.kind === 'binary') return (column) => fixedToPlain(column, byteWidth)
    if (to.kind === 'utf8' && byteWidth === UUID_BYTES) return uuidText
    return undefined
  }
  if (to.kind !== 'utf8' && to.kind !== 'binary') return undefined
  switch (from.kind) {
    case 'utf8':
      return (column) => ({ ...column, type: to })
    case 'large_utf8':
      return (column) => largeToPlain(column, to)
    case 'utf8_view':
      return (column) => viewsToPlain(column, to)
    case 'large_binary':
      return to.kind === 'binary' ? (column) => largeToPlain(column, to) : undefined
    case 'binary_view':
      return to.kind === 'binary' ? (column) => viewsToPlain(column, to) : undefined
    default:
      return undefined
  }
}

/** Offsets of 64 bits as offsets of 32, counted from the first row; the bytes stay where they are. */
function largeToPlain(column: Column, to: ArrowType): Column {
  const run = elementRun(column, 0, column.rowCount)
  const values = (column.values ?? new Uint8Array(0)).subarray(run.start, run.start + run.count)
  return withOffsets(column, to, { offsets: narrowOffsets(column), values })
}

/**
 * The rows' offsets as int32, counted from the first row.
 *
 * @throws {GatewayError} `too_large` they do not fit.
 */
export function narrowOffsets(column: Column): Int32Array {
  const run = elementRun(column, 0, column.rowCount)
  if (run.count > OFFSET_MAX) throw tooMuchText()
  assert(column.offsets !== null, 'a column without offsets')
  const isLarge = column.type.kind.startsWith('large_')
  const step = isLarge ? 2 : 1
  const words = uint32View(column.offsets)
  const base = run.start % 2 ** 32
  const offsets = new Int32Array(column.rowCount + 1)
  if (column.rowCount === 0) return offsets
  // The low words suffice: differences are below 2^31, so a carry between the words cancels out.
  for (let row = 0; row < offsets.length; row++) {
    offsets[row] = (words[(column.offset + row) * step] ?? 0) - base
  }
  return offsets
}

/** Views (4 bytes of length, then the text or prefix, buffer and offset) copied together. Children hold the buffers. */
function viewsToPlain(column: Column, to: ArrowType): Column {
  const bytes = valuesOf(column, 16)
  const views = int32View(bytes)
  const buffers = column.children.map((child) => child.values ?? new Uint8Array(0))
  return gatherBytes(column, to, (row) => {
    const lengthBytes = views[row * 4] ?? 0
    if (lengthBytes <= 12) return bytes.subarray(row * 16 + 4, row * 16 + 4 + lengthBytes)
    const buffer = buffers[views[row * 4 + 2] ?? 0]
    const start = views[row * 4 + 3] ?? 0
    assert(
      buffer !== undefined && start + lengthBytes <= buffer.length,
      'a view outside its buffer',
    )
    return buffer.subarray(start, start + lengthBytes)
  })
}

function fixedToPlain(column: Column, byteWidth: number): Column {
  const values = valuesOf(column, byteWidth)
  return gatherBytes(column, { kind: 'binary' }, (row) =>
    values.subarray(row * byteWidth, (row + 1) * byteWidth),
  )
}

/**
 * A utf8 or binary column from the bytes of each row; not asked for rows that are null.
 *
 * @throws {GatewayError} `too_large` more than 2 GiB.
 */
export function gatherBytes(
  column: Column,
  to: ArrowType,
  bytesOfRow: (row: number) => Uint8Array,
): Column {
  const offsets = new Int32Array(column.rowCount + 1)
  const parts: Uint8Array[] = []
  let end = 0
  for (let row = 0; row < column.rowCount; row++) {
    if (isPresent(column, row)) {
      const bytes = bytesOfRow(row)
      parts.push(bytes)
      end += bytes.length
      if (end > OFFSET_MAX) throw tooMuchText()
    }
    offsets[row + 1] = end
  }
  const values = new Uint8Array(end)
  let at = 0
  for (const part of parts) {
    values.set(part, at)
    at += part.length
  }
  return withOffsets(column, to, { offsets, values })
}

function uuidText(column: Column): Column {
  const bytes = valuesOf(column, UUID_BYTES)
  const source = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  return textColumn(column, (row) => {
    const hex = source.toString('hex', row * UUID_BYTES, (row + 1) * UUID_BYTES)
    return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`
  })
}
