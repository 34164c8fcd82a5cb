import assert from 'node:assert'
import type { ArrowType } from './arrow-type.ts'
import { bitAt, bitmapBytes } from './bitmap.ts'
import type { Column } from './column.ts'
import { isPresent, OFFSET_MAX, tooMuchText } from './rebuild-column.ts'
import { childRun, elementRun } from './slice-column.ts'
import { bytesOf } from './typed-views.ts'
import { offsetBytes, valueBytes } from './type-width.ts'

/**
 * The rows of a column at these indexes, in their order, copied; the values of dictionaries and the buffers of views
 * are shared with the source.
 *
 * @throws {GatewayError} `too_large` more than 2 GiB of text or elements.
 */
export function takeRows(column: Column, rows: Int32Array): Column {
  const { type } = column
  const shell = { ...takeValidity(column, rows), type, rowCount: rows.length, offset: 0 }
  const plain = { ...shell, values: null, offsets: null, children: [] }
  if (type.kind === 'null') return { ...plain, nullCount: rows.length }
  if (type.kind === 'bool') return { ...plain, values: takeBits(column, rows) }
  if (type.kind === 'struct' || type.kind === 'fixed_size_list') {
    return { ...plain, children: takeFixedChildren(column, rows) }
  }
  if (offsetBytes(type) > 0) return { ...plain, ...takeElements(column, rows) }
  return { ...plain, values: takeFixed(column, rows), children: column.children }
}

function takeValidity(column: Column, rows: Int32Array): Pick<Column, 'validity' | 'nullCount'> {
  const { validity, offset } = column
  if (column.nullCount === 0 || validity === null) return { validity: null, nullCount: 0 }
  const bits = gatherBits(validity, offset, rows)
  let nullCount = 0
  for (const row of rows) if (!isPresent(column, row)) nullCount += 1
  return nullCount === 0 ? { validity: null, nullCount } : { validity: bits, nullCount }
}

function takeBits({ values, offset }: Column, rows: Int32Array): Uint8Array {
  return gatherBits(values ?? new Uint8Array(0), offset, rows)
}

function gatherBits(source: Uint8Array, offset: number, rows: Int32Array): Uint8Array {
  const bits = new Uint8Array(bitmapBytes(rows.length))
  for (let to = 0; to < rows.length; to++) {
    if (bitAt(source, offset + (rows[to] ?? 0)))
      bits[to >>> 3] = (bits[to >>> 3] ?? 0) | (1 << (to & 7))
  }
  return bits
}

/** Words of 4 bytes where the width and the place allow it, else single bytes. */
function takeFixed({ type, values, offset }: Column, rows: Int32Array): Uint8Array {
  const width = valueBytes(type)
  const source = values ?? new Uint8Array(0)
  const taken = new Uint8Array(rows.length * width)
  const isWords = width % 4 === 0 && source.byteOffset % 4 === 0
  const step = isWords ? width / 4 : width
  const from = isWords
    ? new Int32Array(source.buffer, source.byteOffset, source.length >>> 2)
    : source
  const to = isWords ? new Int32Array(taken.buffer) : taken
  for (let row = 0; row < rows.length; row++) {
    const place = (offset + (rows[row] ?? 0)) * step
    for (let part = 0; part < step; part++) to[row * step + part] = from[place + part] ?? 0
  }
  return taken
}

function takeFixedChildren(column: Column, rows: Int32Array): Column[] {
  const size = column.type.kind === 'fixed_size_list' ? column.type.size : 1
  const { start } = childRun(column, 0, 1)
  const indexes = new Int32Array(rows.length * size)
  for (let at = 0; at < indexes.length; at++) {
    indexes[at] = start + (rows[Math.floor(at / size)] ?? 0) * size + (at % size)
  }
  return column.children.map((child) => takeRows(child, indexes))
}

/** Of text and bytes the values, of lists and maps the child. What lies behind a null is left out. */
function takeElements(
  column: Column,
  rows: Int32Array,
): Pick<Column, 'offsets' | 'values' | 'children'> {
  const runs = Array.from(rows, (row) =>
    isPresent(column, row) ? elementRun(column, row, 1) : { start: 0, count: 0 },
  )
  const total = runs.reduce((sum, { count }) => sum + count, 0)
  if (total > OFFSET_MAX) throw tooMuchText()
  const offsets = offsetsOf(column.type, runs)
  const [child] = column.children
  if (child) {
    const indexes = new Int32Array(total)
    let at = 0
    for (const { start, count } of runs) {
      for (let index = 0; index < count; index++) indexes[at++] = start + index
    }
    return { offsets, values: null, children: [takeRows(child, indexes)] }
  }
  const source = column.values ?? new Uint8Array(0)
  const values = new Uint8Array(total)
  let at = 0
  for (const { start, count } of runs) {
    assert(start + count <= source.length, 'a column with too few bytes')
    values.set(source.subarray(start, start + count), at)
    at += count
  }
  return { offsets, values, children: [] }
}

function offsetsOf(type: ArrowType, runs: readonly { readonly count: number }[]): Uint8Array {
  const step = offsetBytes(type) / 4
  const words = new Int32Array((runs.length + 1) * step)
  let end = 0
  runs.forEach(({ count }, row) => {
    end += count
    words[(row + 1) * step] = end
  })
  return bytesOf(words)
}
