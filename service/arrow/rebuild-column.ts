import { GatewayError } from '../errors.ts'
import type { ArrowType } from './arrow-type.ts'
import { bitAt, bitmapBytes, copyBits } from './bitmap.ts'
import type { Column } from './column.ts'
import { bytesOf, int32View } from './typed-views.ts'

/** Turns a column into one of another type. */
export type Cast = (column: Column) => Column

/** Finds the way from one type to another; undefined when there is none. */
export type FindCast = (from: ArrowType, to: ArrowType) => Cast | undefined

/** Bytes that int32 offsets can count. */
export const OFFSET_MAX = 2 ** 31 - 1

/** A column of new fixed-width values (one per row, from position 0) with the nulls of another. */
export function withValues(column: Column, type: ArrowType, values: ArrayBufferView): Column {
  return { ...rebuilt(column, type), values: bytesOf(values) }
}

/** A column of new bytes or children behind new int32 offsets (from position 0) with the nulls of another. */
export function withOffsets(
  column: Column,
  type: ArrowType,
  content: {
    readonly offsets: Int32Array
    readonly values?: Uint8Array
    readonly children?: Column[]
  },
): Column {
  return {
    ...rebuilt(column, type),
    offsets: bytesOf(content.offsets),
    values: content.values ?? null,
    children: content.children ?? [],
  }
}

/** An empty shell of the other column's rows and nulls, at offset 0. */
export function rebuilt(column: Column, type: ArrowType): Column {
  return {
    type,
    rowCount: column.rowCount,
    offset: 0,
    nullCount: column.nullCount,
    validity: compactValidity(column),
    values: null,
    offsets: null,
    children: [],
  }
}

/** The validity bitmap with the first row at bit 0; null when there are no nulls. */
export function compactValidity(column: Column): Uint8Array | null {
  const { validity, offset, rowCount } = column
  if (column.nullCount === 0 || validity === null) return null
  const bytes = bitmapBytes(rowCount)
  if ((offset & 7) === 0) return validity.subarray(offset >>> 3, (offset >>> 3) + bytes)
  const bits = new Uint8Array(bytes)
  copyBits({ bits: validity, start: offset, count: rowCount }, bits, 0)
  return bits
}

export function isPresent(column: Column, row: number): boolean {
  return (
    column.nullCount === 0 ||
    column.validity === null ||
    bitAt(column.validity, column.offset + row)
  )
}

/** The bytes of the column's fixed-width values, first row first. */
export function valuesOf(column: Column, width: number): Uint8Array {
  const { values, offset, rowCount } = column
  return (values ?? new Uint8Array(0)).subarray(offset * width, (offset + rowCount) * width)
}

/** A copy of 32-bit words of the values, zero where the row is null: what a decoder left there must not count. */
export function presentWords(column: Column, wordsPerValue: number): Int32Array {
  const words = int32View(valuesOf(column, wordsPerValue * 4)).slice()
  if (column.nullCount === 0) return words
  for (let row = 0; row < column.rowCount; row++) {
    if (isPresent(column, row)) continue
    for (let k = 0; k < wordsPerValue; k++) words[row * wordsPerValue + k] = 0
  }
  return words
}

/**
 * A utf8 column from the text of each row; not asked for rows that are null. For the rare types that
 * have no other form. ASCII only.
 *
 * @throws {GatewayError} `too_large` more than 2 GiB of text.
 */
export function textColumn(column: Column, textOf: (row: number) => string): Column {
  const offsets = new Int32Array(column.rowCount + 1)
  let bytes = Buffer.allocUnsafe(column.rowCount * 24 + 64)
  let end = 0
  for (let row = 0; row < column.rowCount; row++) {
    if (isPresent(column, row)) {
      const text = textOf(row)
      if (end + text.length > bytes.length) bytes = Buffer.concat([bytes, bytes])
      end += bytes.write(text, end, 'latin1')
      if (end > OFFSET_MAX) throw tooMuchText()
    }
    offsets[row + 1] = end
  }
  return withOffsets(column, { kind: 'utf8' }, { offsets, values: bytes.subarray(0, end) })
}

export function tooMuchText(): GatewayError {
  return new GatewayError(
    'too_large',
    'a row group holds more than 2 GiB in one column; write smaller row groups',
  )
}
