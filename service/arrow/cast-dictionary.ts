import { GatewayError } from '../errors.ts'
import type { ArrowType, IntType } from './arrow-type.ts'
import { bitAt, bitmapBytes, setBits } from './bitmap.ts'
import { readInts } from './cast-number.ts'
import { gatherBytes } from './cast-text.ts'
import type { Column } from './column.ts'
import { type Cast, type FindCast, isPresent, valuesOf } from './rebuild-column.ts'
import { elementRun } from './slice-column.ts'
import { int32View } from './typed-views.ts'
import { valueBytes } from './type-width.ts'

/** Dictionary-coded columns to plain ones: the dictionary is cast, then its values are gathered row by row. */
export function dictionaryCast(from: ArrowType, to: ArrowType, find: FindCast): Cast | undefined {
  if (from.kind !== 'dictionary') return undefined
  if (valueBytes(to) === 0 && to.kind !== 'bool' && to.kind !== 'utf8' && to.kind !== 'binary') {
    return undefined
  }
  const cast = find(from.value, to)
  return cast && ((column) => gather(column, cast(dictionaryOf(column)), from.index))
}

function dictionaryOf(column: Column): Column {
  const [dictionary] = column.children
  if (dictionary === undefined) {
    throw new GatewayError('unreadable_file', 'a dictionary-coded column has no dictionary')
  }
  return dictionary
}

/** Values by index; null where the index or the value is. */
function gather(column: Column, dictionary: Column, indexType: IntType): Column {
  const indices = readIndices(column, indexType)
  const present = new Uint8Array(bitmapBytes(column.rowCount))
  let nullCount = 0
  for (let row = 0; row < column.rowCount; row++) {
    if (!isPresent(column, row)) {
      nullCount++
      continue
    }
    const index = indices[row] ?? 0
    if (index < 0 || index >= dictionary.rowCount) {
      throw new GatewayError(
        'unreadable_file',
        `dictionary index ${index} is outside its dictionary`,
      )
    }
    if (isPresent(dictionary, index)) setBits(present, row, 1)
    else nullCount++
  }
  const rows: Column = {
    type: dictionary.type,
    rowCount: column.rowCount,
    offset: 0,
    nullCount,
    validity: nullCount === 0 ? null : present,
    values: null,
    offsets: null,
    children: [],
  }
  return gatherValues(rows, dictionary, indices)
}

/** Indices as int32: a dictionary of more than 2^31 values does not fit in memory. */
function readIndices(column: Column, type: IntType): ArrayLike<number> {
  if (type.bitWidth < 64) return readInts(column, type)
  const words = int32View(valuesOf(column, 8))
  return Int32Array.from({ length: column.rowCount }, (_, row) =>
    words[row * 2 + 1] === 0 ? (words[row * 2] ?? 0) : -1,
  )
}

function gatherValues(rows: Column, dictionary: Column, indices: ArrayLike<number>): Column {
  const { type } = dictionary
  if (type.kind === 'utf8' || type.kind === 'binary') {
    const bytes = dictionary.values ?? new Uint8Array(0)
    const entries = Array.from({ length: dictionary.rowCount }, (_, index) => {
      const run = elementRun(dictionary, index, 1)
      return bytes.subarray(run.start, run.start + run.count)
    })
    return gatherBytes(rows, type, (row) => entries[indices[row] ?? 0] ?? new Uint8Array(0))
  }
  if (type.kind === 'bool') return { ...rows, values: gatherBits(rows, dictionary, indices) }
  return { ...rows, values: gatherFixed(rows, dictionary, indices) }
}

function gatherBits(rows: Column, dictionary: Column, indices: ArrayLike<number>): Uint8Array {
  const target = new Uint8Array(bitmapBytes(rows.rowCount))
  const bits = dictionary.values ?? new Uint8Array(0)
  for (let row = 0; row < rows.rowCount; row++) {
    if (!isPresent(rows, row)) continue
    if (bitAt(bits, dictionary.offset + (indices[row] ?? 0))) setBits(target, row, 1)
  }
  return target
}

function gatherFixed(rows: Column, dictionary: Column, indices: ArrayLike<number>): Uint8Array {
  const width = valueBytes(dictionary.type)
  const values = valuesOf(dictionary, width)
  const target = new Uint8Array(rows.rowCount * width)
  for (let row = 0; row < rows.rowCount; row++) {
    if (!isPresent(rows, row)) continue
    const from = (indices[row] ?? 0) * width
    for (let k = 0; k < width; k++) target[row * width + k] = values[from + k] ?? 0
  }
  return target
}
