import type { Codec } from '../../service/footers/footer.ts'
import { codecs } from '../../service/footers/footer.ts'
import { randomNumbers } from './columns-random.ts'
import { codecsHere } from './kernel-chunks.ts'
import { type Nested, type Shape, schemaNode, shred, type Shredded } from './nested-values.ts'
import { parquetOf } from './parquet-builder.ts'
import { type ColumnKind, columnKinds, directEncodings } from './parquet-columns.ts'
import type { RunStyle } from './parquet-encodings.ts'
import { type ChunkSpec, type EncodingName, writeChunk } from './parquet-pages.ts'

/** A nested column in a file of its own, by number: the same number makes the same file. */
export interface NestedFile {
  readonly shape: Shape
  readonly rows: readonly Nested[]
  readonly specs: readonly ChunkSpec[]
  /** Of a Parquet file of this column. */
  readonly bytes: Uint8Array
}

/** Types that need no annotation but a text's. */
const leafKinds = columnKinds.filter(
  ({ physicalType, type }) =>
    type.kind === 'bool' ||
    (type.kind === 'int' && (type.bitWidth === 32 || type.bitWidth === 64) && type.signed) ||
    type.kind === 'float' ||
    type.kind === 'utf8' ||
    type.kind === 'binary' ||
    type.kind === 'fixed_size_binary' ||
    physicalType === 'int96',
)
const keyKinds = leafKinds.filter(({ type }) => type.kind === 'utf8' || type.kind === 'int')

function pick<T>(random: () => number, choices: readonly T[]): T {
  return choices[Math.floor(random() * choices.length)] as T
}

const rowCounts = [0, 1, 2, 7, 8, 9, 15, 16, 17, 31, 33, 64, 65, 129, 300]
const manyRows = [4095, 4097, 6000]
const runStyles: readonly RunStyle[] = ['runs', 'packed', 'mixed']

export function generateNested(seed: number): NestedFile {
  const random = randomNumbers(seed * 7919 + 1)
  const shape = makeShape(random, 1 + Math.floor(random() * 3), true)
  const rowCount = pick(random, random() < 0.02 ? manyRows : rowCounts)
  const habits = {
    nulls: pick(random, [0, 0, 0.02, 0.3, 0.95, 1]),
    lengthMax: pick(random, [0, 1, 2, 5, 5, random() < 0.1 ? 60 : 9]),
    empties: pick(random, [0, 0.1, 0.6]),
    left: random() < 0.1 ? ELEMENTS_MAX : ELEMENTS,
  }
  const rows = Array.from({ length: rowCount }, () => makeValue(shape, habits, random))
  return writeNested(shape, rows, random)
}

/** The file of these rows, with pages as chance will. */
export function writeNested(
  shape: Shape,
  rows: readonly Nested[],
  random: () => number,
): NestedFile {
  const version = random() < 0.5 ? 1 : 2
  const codec = pick(random, codecsHere)
  const specs = shred(shape, rows).map((shredded) => specOf(shredded, { version, codec, random }))
  return { shape, rows, specs, bytes: fileOf(shape, rows.length, specs) }
}

/** The file of chunks that may lie about their levels. */
export function fileOf(shape: Shape, rowCount: number, specs: readonly ChunkSpec[]): Uint8Array {
  const chunks = specs.map((spec) => ({
    bytes: writeChunk(spec),
    codec: codecs.indexOf(spec.codec),
    valueCount: spec.values.length,
  }))
  return parquetOf([schemaNode(shape, 'generated')], rowCount, chunks)
}

function specOf(
  { leaf, values, ...levels }: Shredded,
  { version, codec, random }: { version: 1 | 2; codec: Codec; random: () => number },
): ChunkSpec {
  return {
    physicalType: leaf.physicalType,
    values,
    levels,
    isOptional: levels.definitionMax > 0,
    codec,
    version,
    pageRows: makePageRows(values.length, random),
    encodings: makeEncodings(leaf, random),
    levelStyle: pick(random, runStyles),
    indexStyle: pick(random, runStyles),
    spareBits: 0,
    random,
  }
}

function makePageRows(valueCount: number, random: () => number): number[] {
  const whole = Math.max(1, valueCount)
  if (valueCount > 3000) return [pick(random, [whole, 1000, 4096])]
  return pick(random, [[whole], [whole], [1], [7], [8], [9, 1, 0], [16], [17, 33], [64], [3, 40]])
}

function makeEncodings({ physicalType }: ColumnKind, random: () => number): EncodingName[] {
  const direct = pick(random, directEncodings(physicalType))
  if (physicalType === 'boolean' || random() < 0.4) return [direct]
  return random() < 0.7 ? ['rle_dictionary'] : ['rle_dictionary', direct]
}

/** @param isField whether it may be repeated by itself: at the top and in structs */
function makeShape(random: () => number, depth: number, isField: boolean): Shape {
  const isOptional = random() < 0.6
  const kind = random()
  if (depth === 0) return { kind: 'leaf', isOptional, leaf: pick(random, leafKinds) }
  if (kind < 0.3) {
    const parts = Array.from({ length: 1 + Math.floor(random() * 3) }, () =>
      makeShape(random, random() < 0.5 ? 0 : depth - 1, true),
    )
    return { kind: 'struct', isOptional, parts }
  }
  if (kind < 0.5) {
    const key: Shape = { kind: 'leaf', isOptional: false, leaf: pick(random, keyKinds) }
    return { kind: 'map', isOptional, key, value: makeShape(random, depth - 1, false) }
  }
  const style = random() < 0.7 ? 'three' : isField && random() < 0.5 ? 'bare' : 'two'
  const element = makeShape(random, depth - 1, false)
  if (style === 'three' || element.kind === 'list' || element.kind === 'map') {
    return { kind: 'list', isOptional, style: 'three', element }
  }
  // The repeated node is the element.
  const required: Shape = { ...element, isOptional: false }
  return { kind: 'list', isOptional: isOptional && style !== 'bare', style, element: required }
}

interface Habits {
  readonly nulls: number
  readonly lengthMax: number
  readonly empties: number
  /** Elements that there may still be: lists of lists grow fast. */
  left: number
}

const ELEMENTS = 600
const ELEMENTS_MAX = 5000

function makeValue(shape: Shape, habits: Habits, random: () => number): Nested {
  if (shape.isOptional && random() < habits.nulls) return null
  switch (shape.kind) {
    case 'leaf':
      return makeLeaf(shape.leaf, random)
    case 'struct':
      return shape.parts.map((part) => makeValue(part, habits, random))
    case 'list':
      return elementsOf(habits, random, () => makeValue(shape.element, habits, random))
    case 'map':
      return elementsOf(habits, random, () => [
        makeValue(shape.key, habits, random),
        makeValue(shape.value, habits, random),
      ])
  }
}

function elementsOf(habits: Habits, random: () => number, make: () => Nested): Nested[] {
  const wanted = random() < habits.empties ? 0 : Math.ceil(random() * habits.lengthMax)
  const length = Math.min(wanted, habits.left)
  habits.left -= length
  return Array.from({ length }, make)
}

/** Some values come again, for dictionaries; int96 within what nanoseconds can tell. */
function makeLeaf(leaf: ColumnKind, random: () => number): Uint8Array {
  const repeats = random() < 0.7
  const own = repeats ? randomNumbers(Math.floor(random() * 12)) : random
  const value = leaf.make(own)
  if (leaf.physicalType === 'int96') new DataView(value.buffer).setUint32(8, 2_459_000, true)
  return value
}

/** One line that says what the file is like. */
export function describeNested({ shape, rows, specs }: NestedFile): string {
  const pages = specs.map(({ encodings, pageRows }) => `${encodings.join('+')} ${pageRows.join()}`)
  const { codec, version } = specs[0] ?? { codec: '', version: 0 }
  return `${describeShape(shape)}: ${rows.length} rows, ${codec} v${version}, ${pages.join('; ')}`
}

export function describeShape(shape: Shape): string {
  const mark = shape.isOptional ? '?' : ''
  switch (shape.kind) {
    case 'leaf':
      return `${shape.leaf.type.kind}${mark}`
    case 'struct':
      return `{${shape.parts.map(describeShape).join()}}${mark}`
    case 'map':
      return `map<${describeShape(shape.key)},${describeShape(shape.value)}>${mark}`
    case 'list':
      return `${shape.style}[${describeShape(shape.element)}]${mark}`
  }
}
