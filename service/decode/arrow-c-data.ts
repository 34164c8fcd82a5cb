import assert from 'node:assert'
import { Buffer } from 'node:buffer'

import type { ArrowType, Field } from '../arrow/arrow-type.ts'
import { childFields } from '../arrow/child-fields.ts'
import type { Column } from '../arrow/column.ts'
import { typeOfFormat } from './arrow-format.ts'

/** Places in ArrowSchema and ArrowArray with 32-bit pointers: CDataInterface.rst, "Structure definitions". */
const schemaPlaces = { format: 0, name: 4, flags: 16, childCount: 24, children: 32, dictionary: 36 }
const arrayPlaces = {
  length: 0,
  nullCount: 8,
  offset: 16,
  childCount: 32,
  buffers: 40,
  children: 44,
  dictionary: 48,
}
const FLAG_DICTIONARY_ORDERED = 1
const FLAG_NULLABLE = 2
const FLAG_MAP_KEYS_SORTED = 4

/** Reads an ArrowSchema struct in a WebAssembly memory into a field; metadata is left out. */
export function readArrowSchema(memory: ArrayBufferLike, address: number): Field {
  const view = new DataView(memory)
  const flags = view.getUint32(address + schemaPlaces.flags, true)
  const children = pointers(view, address + schemaPlaces.children, {
    count: int64(view, address + schemaPlaces.childCount),
  }).map((child) => readArrowSchema(memory, child))
  const type = typeOfFormat(text(view, address + schemaPlaces.format), {
    children,
    keysSorted: (flags & FLAG_MAP_KEYS_SORTED) !== 0,
  })
  const dictionary = view.getUint32(address + schemaPlaces.dictionary, true)
  return {
    name: text(view, address + schemaPlaces.name),
    type: dictionary === 0 ? type : dictionaryType(memory, dictionary, { index: type, flags }),
    nullable: (flags & FLAG_NULLABLE) !== 0,
  }
}

function dictionaryType(
  memory: ArrayBufferLike,
  address: number,
  { index, flags }: { readonly index: ArrowType; readonly flags: number },
): ArrowType {
  assert(index.kind === 'int', 'a dictionary has integer indices')
  return {
    kind: 'dictionary',
    index,
    value: readArrowSchema(memory, address).type,
    ordered: (flags & FLAG_DICTIONARY_ORDERED) !== 0,
  }
}

/**
 * Reads an ArrowArray struct in a WebAssembly memory into a column whose buffers are views of that memory: they
 * die when the memory grows.
 */
export function readArrowArray(memory: ArrayBufferLike, address: number, type: ArrowType): Column {
  const view = new DataView(memory)
  const array: ArrayStruct = {
    memory,
    rowCount: int64(view, address + arrayPlaces.length),
    offset: int64(view, address + arrayPlaces.offset),
    buffers: view.getUint32(address + arrayPlaces.buffers, true),
  }
  const childTypes = childTypesOf(type)
  const children = pointers(view, address + arrayPlaces.children, { count: childTypes.length })
  const dictionary = view.getUint32(address + arrayPlaces.dictionary, true)
  const addresses = type.kind === 'dictionary' ? [dictionary] : children
  const told = int64(view, address + arrayPlaces.nullCount)
  return {
    type,
    rowCount: array.rowCount,
    offset: array.offset,
    ...validityOf(array, type, told),
    ...buffersOf(array, type),
    children: childTypes.map((child, index) =>
      readArrowArray(memory, addresses[index] ?? 0, child),
    ),
  }
}

interface ArrayStruct {
  readonly memory: ArrayBufferLike
  readonly rowCount: number
  readonly offset: number
  /** Address of the pointers to the buffers. */
  readonly buffers: number
}

/** A column of no rows, in memory of its own. */
export function emptyColumn(type: ArrowType): Column {
  const layout = layoutOf(type)
  return {
    type,
    rowCount: 0,
    offset: 0,
    nullCount: 0,
    validity: null,
    values: layout.values ? new Uint8Array() : null,
    offsets: layout.offsetBytes === 0 ? null : new Uint8Array(layout.offsetBytes),
    children: childTypesOf(type).map(emptyColumn),
  }
}

function childTypesOf(type: ArrowType): readonly ArrowType[] {
  return type.kind === 'dictionary' ? [type.value] : childFields(type).map((field) => field.type)
}

function validityOf(
  array: ArrayStruct,
  type: ArrowType,
  told: number,
): { nullCount: number; validity: Uint8Array | null } {
  const { rowCount, offset } = array
  if (type.kind === 'null') return { nullCount: rowCount, validity: null }
  const address = bufferAddress(array, 0)
  if (address === 0 || told === 0 || rowCount === 0) return { nullCount: 0, validity: null }
  const validity = bytesAt(array.memory, address, Math.ceil((offset + rowCount) / 8))
  // -1 means "not counted".
  const nullCount = told > 0 ? told : rowCount - countBits(validity, offset, rowCount)
  return { nullCount, validity: nullCount === 0 ? null : validity }
}

/** How a type keeps its values: with offsets of so many bytes, with values of so many bits. */
interface ValueLayout {
  readonly offsetBytes: 0 | 4 | 8
  readonly values: boolean
  /** Bits of a fixed-width value; 0 when offsets say where values are. */
  readonly valueBits: number
}

const nested: ValueLayout = { offsetBytes: 0, values: false, valueBits: 0 }

function layoutOf(type: ArrowType): ValueLayout {
  switch (type.kind) {
    case 'null':
    case 'struct':
    case 'fixed_size_list':
      return nested
    case 'list':
    case 'map':
      return { ...nested, offsetBytes: 4 }
    case 'large_list':
      return { ...nested, offsetBytes: 8 }
    case 'utf8':
    case 'binary':
      return { offsetBytes: 4, values: true, valueBits: 0 }
    case 'large_utf8':
    case 'large_binary':
      return { offsetBytes: 8, values: true, valueBits: 0 }
    default:
      return { offsetBytes: 0, values: true, valueBits: valueBits(type) }
  }
}

function valueBits(type: ArrowType): number {
  switch (type.kind) {
    case 'bool':
      return 1
    case 'int':
    case 'float':
    case 'decimal':
    case 'time':
      return type.bitWidth
    case 'date':
      return type.unit === 'day' ? 32 : 64
    case 'timestamp':
    case 'duration':
      return 64
    case 'interval':
      return { year_month: 32, day_time: 64, month_day_nano: 128 }[type.unit]
    case 'fixed_size_binary':
      return type.byteWidth * 8
    case 'dictionary':
      return type.index.bitWidth
    default:
      return assert.fail(`${type.kind} has no width`)
  }
}

function buffersOf(
  array: ArrayStruct,
  type: ArrowType,
): { values: Uint8Array | null; offsets: Uint8Array | null } {
  const { memory, offset, rowCount } = array
  const layout = layoutOf(type)
  const slots = offset + rowCount
  if (layout.offsetBytes === 0) {
    if (!layout.values) return { values: null, offsets: null }
    const byteCount = Math.ceil((slots * layout.valueBits) / 8)
    return { values: bytesAt(memory, bufferAddress(array, 1), byteCount), offsets: null }
  }
  // A column of no rows may come without its one offset.
  const offsets =
    slots === 0
      ? new Uint8Array(layout.offsetBytes)
      : bytesAt(memory, bufferAddress(array, 1), (slots + 1) * layout.offsetBytes)
  if (!layout.values) return { values: null, offsets }
  const end = lastOffset(offsets, layout.offsetBytes)
  return { values: bytesAt(memory, bufferAddress(array, 2), end), offsets }
}

function lastOffset(offsets: Uint8Array, width: number): number {
  const view = new DataView(offsets.buffer, offsets.byteOffset, offsets.byteLength)
  const at = offsets.byteLength - width
  return width === 4 ? view.getInt32(at, true) : int64(view, at)
}

function bufferAddress({ memory, buffers }: ArrayStruct, index: number): number {
  return new DataView(memory).getUint32(buffers + 4 * index, true)
}

function bytesAt(memory: ArrayBufferLike, address: number, byteCount: number): Uint8Array {
  return byteCount === 0 ? new Uint8Array() : new Uint8Array(memory, address, byteCount)
}

function pointers(view: DataView, at: number, { count }: { readonly count: number }): number[] {
  if (count === 0) return []
  const table = view.getUint32(at, true)
  return Array.from({ length: count }, (_, index) => view.getUint32(table + 4 * index, true))
}

/** Lengths, offsets and counts fit a double: the memory is 4 GiB. */
function int64(view: DataView, at: number): number {
  return view.getUint32(at, true) + view.getInt32(at + 4, true) * 2 ** 32
}

/** A string that ends with a zero byte; '' for a null pointer. */
function text(view: DataView, at: number): string {
  const start = view.getUint32(at, true)
  if (start === 0) return ''
  const bytes = new Uint8Array(view.buffer, start)
  return Buffer.from(view.buffer as ArrayBuffer, start, bytes.indexOf(0)).toString('utf8')
}

const bitsOfByte = Uint8Array.from({ length: 256 }, (_, byte) => {
  let count = 0
  for (let rest = byte; rest > 0; rest >>= 1) count += rest & 1
  return count
})

function countBits(bitmap: Uint8Array, start: number, length: number): number {
  let count = 0
  let bit = start
  const end = start + length
  for (; bit < end && bit % 8 !== 0; bit++) count += ((bitmap[bit >> 3] ?? 0) >> (bit & 7)) & 1
  for (; bit + 8 <= end; bit += 8) count += bitsOfByte[bitmap[bit >> 3] ?? 0] ?? 0
  for (; bit < end; bit++) count += ((bitmap[bit >> 3] ?? 0) >> (bit & 7)) & 1
  return count
}
