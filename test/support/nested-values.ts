import type { Column } from '../../service/arrow/column.ts'
import { valueBytes } from '../../service/arrow/type-width.ts'
import type { BuiltNode } from './parquet-builder.ts'
import type { ColumnKind } from './parquet-columns.ts'

/** What a nested column is like: how it is written, and what may be null. */
export type Shape =
  | { readonly kind: 'leaf'; readonly isOptional: boolean; readonly leaf: ColumnKind }
  | { readonly kind: 'struct'; readonly isOptional: boolean; readonly parts: readonly Shape[] }
  | {
      readonly kind: 'list'
      readonly isOptional: boolean
      /** `three` levels as LogicalTypes.md has it; `two`: the repeated node is the element; `bare`: outside a list. */
      readonly style: 'three' | 'two' | 'bare'
      readonly element: Shape
    }
  | {
      readonly kind: 'map'
      readonly isOptional: boolean
      readonly key: Shape
      readonly value: Shape
    }

/** A value of a shape: the bytes of PLAIN; parts of a struct; elements of a list; pairs of a map. */
export type Nested = null | Uint8Array | readonly Nested[]

/** A leaf's values with their levels. */
export interface Shredded {
  readonly leaf: ColumnKind
  readonly repetitionMax: number
  readonly definitionMax: number
  readonly repetitions: number[]
  readonly definitions: number[]
  readonly values: (Uint8Array | null)[]
}

interface Around {
  readonly lists: number
  readonly definition: number
}

/** Dremel's shredding, value by value: for each leaf, in their order, what is stored of the rows. */
export function shred(shape: Shape, rows: readonly Nested[]): Shredded[] {
  const leaves = leavesOf(shape, { lists: 0, definition: 0 })
  for (const row of rows) {
    shredValue(shape, row, { repetition: 0, lists: 0, definition: 0, leaves: leaves.values() })
  }
  return leaves
}

function leavesOf(shape: Shape, around: Around): Shredded[] {
  const definition = around.definition + Number(shape.isOptional)
  const inList = { lists: around.lists + 1, definition: definition + 1 }
  switch (shape.kind) {
    case 'leaf': {
      const { lists: repetitionMax } = around
      const none = { repetitions: [], definitions: [], values: [] }
      return [{ leaf: shape.leaf, repetitionMax, definitionMax: definition, ...none }]
    }
    case 'struct':
      return shape.parts.flatMap((part) => leavesOf(part, { ...around, definition }))
    case 'list':
      return leavesOf(shape.element, inList)
    case 'map':
      return [...leavesOf(shape.key, inList), ...leavesOf(shape.value, inList)]
  }
}

interface ShredPlace extends Around {
  readonly repetition: number
  /** From the first leaf of the shape on. */
  readonly leaves: Iterator<Shredded>
}

function shredValue(shape: Shape, value: Nested, place: ShredPlace): void {
  const definition = place.definition + Number(shape.isOptional && value !== null)
  if (value === null) return emit(shape, null, place)
  if (shape.kind === 'leaf') return emit(shape, value as Uint8Array, { ...place, definition })
  const items = value as readonly Nested[]
  if (shape.kind === 'struct') {
    shape.parts.forEach((part, at) => shredValue(part, items[at] ?? null, { ...place, definition }))
    return
  }
  if (items.length === 0) return emit(shape, null, { ...place, definition })
  const parts = shape.kind === 'map' ? [shape.key, shape.value] : [shape.element]
  for (const [at, part] of parts.entries()) {
    const count = countLeaves(part)
    const leaves = Array.from({ length: count }, () => place.leaves.next().value as Shredded)
    for (const [index, item] of items.entries()) {
      const inner = shape.kind === 'map' ? ((item as readonly Nested[])[at] ?? null) : item
      shredValue(part, inner, {
        leaves: leaves.values(),
        lists: place.lists + 1,
        definition: definition + 1,
        repetition: index === 0 ? place.repetition : place.lists + 1,
      })
    }
  }
}

function countLeaves(shape: Shape): number {
  return leavesOf(shape, { lists: 0, definition: 0 }).length
}

function emit(shape: Shape, value: Uint8Array | null, place: ShredPlace): void {
  for (let left = countLeaves(shape); left > 0; left--) {
    const leaf = place.leaves.next().value as Shredded
    leaf.repetitions.push(place.repetition)
    leaf.definitions.push(place.definition)
    leaf.values.push(value)
  }
}

const MAP = 1
const LIST = 3

/** The shape in a Parquet schema. */
export function schemaNode(shape: Shape, name: string): BuiltNode {
  const repetition = shape.isOptional ? 'optional' : 'required'
  switch (shape.kind) {
    case 'leaf':
      return { name, repetition, ...leafNode(shape.leaf) }
    case 'struct':
      return { name, repetition, children: partNodes(shape.parts) }
    case 'map': {
      const children = [schemaNode(shape.key, 'key'), schemaNode(shape.value, 'value')]
      const entries: BuiltNode = { name: 'key_value', repetition: 'repeated', children }
      return { name, repetition, converted: MAP, children: [entries] }
    }
    case 'list': {
      const element = schemaNode(shape.element, 'array')
      if (shape.style === 'bare') return { ...element, name, repetition: 'repeated' }
      if (shape.style === 'two') {
        const repeated: BuiltNode = { ...element, repetition: 'repeated' }
        return { name, repetition, converted: LIST, children: [repeated] }
      }
      const children = [schemaNode(shape.element, 'element')]
      const repeated: BuiltNode = { name: 'list', repetition: 'repeated', children }
      return { name, repetition, converted: LIST, children: [repeated] }
    }
  }
}

function partNodes(parts: readonly Shape[]): BuiltNode[] {
  return parts.map((part, index) => schemaNode(part, `part${index}`))
}

const typeNumbers = ['boolean', 'int32', 'int64', 'int96', 'float', 'double', 'byte_array']

function leafNode({ physicalType, typeLength, type }: ColumnKind): Partial<BuiltNode> {
  const number = typeNumbers.indexOf(physicalType)
  return {
    type: number < 0 ? typeNumbers.length : number,
    ...(typeLength > 0 && { typeLength }),
    ...(type.kind === 'utf8' && { converted: 0 }),
  }
}

/** Empty when the column holds exactly these rows, else where it does not. */
export function nestedDifference(shape: Shape, rows: readonly Nested[], column: Column): string {
  if (column.rowCount !== rows.length) return `${column.rowCount} rows, not ${rows.length}`
  const wrong = rows.findIndex((row, at) => !holds(shape, row, column, column.offset + at))
  return wrong < 0 ? '' : `row ${wrong}`
}

function holds(shape: Shape, value: Nested, column: Column, at: number): boolean {
  if (isNull(column, at) !== (value === null)) return false
  if (value === null) return true
  if (shape.kind === 'leaf') return holdsBytes(shape.leaf, value as Uint8Array, column, at)
  const items = value as readonly Nested[]
  if (shape.kind === 'struct') {
    return shape.parts.every((part, index) => {
      const child = column.children[index]
      return child !== undefined && holds(part, items[index] ?? null, child, child.offset + at)
    })
  }
  const [child] = column.children
  const { start, end } = spanAt(column, at)
  if (child === undefined || end - start !== items.length) return false
  const element: Shape =
    shape.kind === 'map'
      ? { kind: 'struct', isOptional: false, parts: [shape.key, shape.value] }
      : shape.element
  return items.every((item, index) => holds(element, item, child, child.offset + start + index))
}

function isNull({ validity }: Column, at: number): boolean {
  return validity !== null && (((validity[at >> 3] ?? 0) >> (at & 7)) & 1) === 0
}

function spanAt({ offsets }: Column, at: number): { readonly start: number; readonly end: number } {
  if (offsets === null) throw new Error('no offsets')
  const view = new DataView(offsets.buffer, offsets.byteOffset, offsets.length)
  return { start: view.getInt32(at * 4, true), end: view.getInt32(at * 4 + 4, true) }
}

function holdsBytes(leaf: ColumnKind, raw: Uint8Array, column: Column, at: number): boolean {
  const { values, type } = column
  if (values === null) return false
  if (type.kind === 'bool') return (((values[at >> 3] ?? 0) >> (at & 7)) & 1) === raw[0]
  const width = valueBytes(type)
  const { start, end } =
    width > 0 ? { start: at * width, end: (at + 1) * width } : spanAt(column, at)
  return Buffer.compare(values.subarray(start, end), leaf.arrow(raw)) === 0
}
