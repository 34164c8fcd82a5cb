import { createRequire } from 'node:module'
import {
  Field,
  Int32,
  List,
  makeData,
  RecordBatch,
  Schema,
  Struct,
  Table,
  tableToIPC,
} from 'apache-arrow'
import type { Data } from 'apache-arrow'
import type * as ParquetWasm from 'parquet-wasm/node'
import type { Column } from '../../service/arrow/column.ts'
import type { Decoder } from '../../service/decode/decoder.ts'
import { asInt96 } from './as-int96.ts'
import { addBlooms, type PlacedBloom } from './bloom-filters.ts'
import type { Cell, Row } from './oracle.ts'
import { byteText } from './oracle.ts'
import { dataOf } from './random-table-data.ts'
import type { Raw } from './random-table-data.ts'
import type { ColumnKind } from './random-table-kinds.ts'
import { columnKinds } from './random-table-kinds.ts'

const parquet = createRequire(import.meta.url)('parquet-wasm/node') as typeof ParquetWasm

export interface RandomFile {
  readonly key: string
  readonly bytes: Uint8Array
  /** The rows of each row group, as Athena sees them. */
  readonly groups: readonly (readonly Row[])[]
  /** Bloom filters that stand in the file, though its footer does not tell of them. */
  readonly blooms: readonly PlacedBloom[]
}

/** A table of small files that have been written in ways chosen by chance. */
export interface RandomTable {
  readonly kinds: readonly ColumnKind[]
  readonly partitionColumns: readonly string[]
  readonly files: readonly RandomFile[]
}

export const listKind = 'items'
const prefix = 't/'

export function pick<T>(random: () => number, choices: readonly T[]): T {
  return choices[Math.floor(random() * choices.length)] as T
}

const partitionTexts: Readonly<Record<string, readonly (readonly [string, Cell])[]>> = {
  p_int: [
    ['-1', -1n],
    ['0', 0n],
    ['7', 7n],
    ['__HIVE_DEFAULT_PARTITION__', null],
  ],
  p_text: [
    ['a%20b', 'a b'],
    ['%C3%A4', byteText('ä')],
    ['', ''],
    ['__HIVE_DEFAULT_PARTITION__', null],
  ],
  p_day: [
    ['1970-01-02', 1n],
    ['2024-02-29', 19_782n],
  ],
}

/** Types of the partition columns, as columns that no file holds. */
export const partitionKinds: readonly ColumnKind[] = [
  kindLike('int', 'p_int'),
  kindLike('text', 'p_text'),
  kindLike('day', 'p_day'),
]

function kindLike(name: string, as: string): ColumnKind {
  const kind = columnKinds.find((one) => one.name === name)
  if (kind === undefined) throw new Error(name)
  return { ...kind, name: as }
}

export function randomTable(
  random: () => number,
  kindCount: number,
  allKinds: readonly ColumnKind[] = columnKinds,
): RandomTable {
  const shuffled = allKinds.map((kind) => [random(), kind] as const)
  const kinds = shuffled
    .toSorted(([a], [b]) => a - b)
    .slice(0, kindCount)
    .map(([, kind]) => kind)
  const isPartitioned = random() < 0.5
  let rowId = 0
  const files = Array.from({ length: 1 + Math.floor(random() * 2) }, (_, index): RandomFile => {
    const folders = isPartitioned
      ? partitionKinds.map(({ name }) => [name, pick(random, partitionTexts[name] ?? [])] as const)
      : []
    const path = folders.map(([name, [text]]) => `${name}=${text}/`).join('')
    const known = folders.map(([name, [, cell]]) => [name, cell] as const)
    const rowsPerGroup = 1 + Math.floor(random() * 12)
    const rowCount =
      rowsPerGroup * Math.floor(random() * 3) + 1 + Math.floor(random() * rowsPerGroup)
    const file = randomFile(random, { kinds, rowsPerGroup, rowCount, rowStart: rowId })
    rowId += rowCount
    const rows = file.rows.map((row): Row => new Map([...row, ...known]))
    const groups = Array.from({ length: Math.ceil(rowCount / rowsPerGroup) }, (_, group) =>
      rows.slice(group * rowsPerGroup, (group + 1) * rowsPerGroup),
    )
    const { bytes, blooms } = file
    return { key: `${prefix}${path}${index}.parquet`, bytes, groups, blooms }
  })
  return {
    kinds: isPartitioned ? [...kinds, ...partitionKinds] : kinds,
    partitionColumns: isPartitioned ? partitionKinds.map(({ name }) => name) : [],
    files,
  }
}

interface FileShape {
  readonly kinds: readonly ColumnKind[]
  readonly rowsPerGroup: number
  readonly rowCount: number
  readonly rowStart: number
}

function randomFile(random: () => number, shape: FileShape) {
  const { kinds, rowCount, rowStart } = shape
  // Now and then a file lacks a column.
  const written = kinds.filter(() => random() < 0.93)
  const stored = written.map((kind) => randomValues(random, kind, shape))
  const lists = Array.from({ length: rowCount }, () =>
    random() < 0.3 ? null : Math.floor(random() * 3),
  )
  const ids = Array.from({ length: rowCount }, (_, row) => BigInt(rowStart + row))
  const fields = written.map(({ name, fileType }, at): PathData => [
    name.split('.'),
    dataOf(fileType, stored[at] ?? []),
  ])
  const structs = nestFields(random, fields, rowCount)
  const columns: (readonly [string, Data])[] = [
    ['row_id', dataOf(new Int32(), ids)],
    ...structs.columns,
    [listKind, listData(lists)],
  ]
  const rows = ids.map(
    (id, row) =>
      new Map<string, Cell>([
        ['row_id', id],
        ...written.map((kind, at): [string, Cell] => {
          const raw = structs.isNull(kind.name, row) ? null : (stored[at]?.[row] ?? null)
          return [kind.name, raw === null ? null : kind.seen(raw)]
        }),
        [listKind, (lists[row] ?? null) === null ? null : 'a list'],
      ]),
  )
  const int96 = written.filter((kind) => kind.isInt96).map(({ name }) => name)
  const whole = writeFile(random, columns, { ...shape, isPlain: int96.length > 0 })
  const values = written.map(({ name }, at) => ({ name, values: stored[at] ?? [] }))
  return { rows, ...addBlooms(random, asInt96(whole, int96), random() < 0.5 ? values : []) }
}

type PathData = readonly [readonly string[], Data]

/** Fields that begin with the same name become one struct, which is null now and then, whatever they hold. */
function nestFields(random: () => number, fields: readonly PathData[], rowCount: number) {
  const nulls = new Map<string, readonly boolean[]>()
  const nest = (within: readonly PathData[], prefix: string): [string, Data][] => {
    const names = [...new Set(within.map(([[name = '']]) => name))]
    return names.map((name): [string, Data] => {
      const alike = within.filter(([[first]]) => first === name)
      const [flat] = alike.filter(([path]) => path.length === 1)
      if (flat) return [name, flat[1]]
      const path = `${prefix}${name}.`
      const share = pick(random, [0, 0.2, 0.6, 1])
      const marks = Array.from({ length: rowCount }, () => random() < share)
      nulls.set(path, marks)
      const inner = alike.map(([[, ...rest], data]): PathData => [rest, data])
      return [name, structData(nest(inner, path), marks)]
    })
  }
  const columns = nest(fields, '')
  const isNull = (name: string, row: number) =>
    [...nulls].some(([path, marks]) => name.startsWith(path) && marks[row])
  return { columns, isNull }
}

function structData(members: readonly (readonly [string, Data])[], nulls: readonly boolean[]) {
  // What has no nulls may be required, so that nothing but the struct says that it is null.
  const type = new Struct(
    members.map(([name, data]) => new Field(name, data.type, data.nullCount > 0)),
  )
  const nullBitmap = new Uint8Array(Math.ceil(nulls.length / 8))
  nulls.forEach((isNull, at) => {
    if (!isNull) nullBitmap[at >> 3] = (nullBitmap[at >> 3] ?? 0) | (1 << (at & 7))
  })
  const nullCount = nulls.filter(Boolean).length
  const children = members.map(([, data]) => data)
  return makeData({ type, length: nulls.length, nullCount, nullBitmap, children }) as Data
}

/** Rows of which few values are chosen: pages of files with small ones have as many. */
const PAGE_ROWS = 4

/** Each row group, or every few rows, hold few of the values, so that statistics, or pages, have something to say. */
function randomValues(
  random: () => number,
  { pool }: ColumnKind,
  shape: FileShape,
): (Raw | null)[] {
  const nulls = pick(random, [0, 0.2, 0.5, 1])
  const period = pick(random, [shape.rowsPerGroup, PAGE_ROWS])
  let some: readonly Raw[] = pool
  return Array.from({ length: shape.rowCount }, (_, row) => {
    if (row % period === 0) {
      some = Array.from({ length: 1 + Math.floor(random() * 4) }, () => pick(random, pool))
    }
    return random() < nulls ? null : pick(random, some)
  })
}

function listData(lengths: readonly (number | null)[]): Data {
  const type = new List(new Field('item', new Int32(), true))
  const offsets = Int32Array.from([0, ...lengths])
  for (let at = 1; at < offsets.length; at++)
    offsets[at] = (offsets[at] ?? 0) + (offsets[at - 1] ?? 0)
  const child = dataOf(
    new Int32(),
    Array.from({ length: offsets.at(-1) ?? 0 }, (_, at) => BigInt(at)),
  )
  const nullBitmap = new Uint8Array(Math.ceil(lengths.length / 8))
  lengths.forEach((length, at) => {
    if (length !== null) nullBitmap[at >> 3] = (nullBitmap[at >> 3] ?? 0) | (1 << (at & 7))
  })
  const nullCount = lengths.filter((length) => length === null).length
  return makeData({
    type,
    length: lengths.length,
    nullCount,
    nullBitmap,
    valueOffsets: offsets,
    child,
  } as never) as Data
}

function writeFile(
  random: () => number,
  columns: readonly (readonly [string, Data])[],
  { rowsPerGroup, rowCount, isPlain }: FileShape & { readonly isPlain: boolean },
): Uint8Array {
  const fields = columns.map(([name, data]) => new Field(name, data.type, true))
  const schema = new Schema(fields)
  const children = columns.map(([, data]) => data)
  const rows = makeData({ type: new Struct(fields), length: rowCount, nullCount: 0, children })
  const table = new Table(schema, [new RecordBatch(schema, rows)])
  const { Compression, EnabledStatistics, WriterVersion } = parquet
  const properties = new parquet.WriterPropertiesBuilder()
    .setCompression(pick(random, [Compression.SNAPPY, Compression.UNCOMPRESSED, Compression.ZSTD]))
    .setDictionaryEnabled(random() < 0.6)
    .setDataPageSizeLimit(pick(random, [16, 200, 1_000_000]))
    .setWriteBatchSize(pick(random, [2, 1000]))
    .setStatisticsEnabled(
      pick(random, [EnabledStatistics.Page, EnabledStatistics.Chunk, EnabledStatistics.None]),
    )
    // The second version codes 12 bytes by their differences, INT96 may not.
    .setWriterVersion(
      isPlain ? WriterVersion.V1 : pick(random, [WriterVersion.V1, WriterVersion.V2]),
    )
    .setMaxRowGroupSize(rowsPerGroup)
    .build()
  return parquet.writeParquet(parquet.Table.fromIPCStream(tableToIPC(table, 'stream')), properties)
}

/** A decoder that decodes each choice of columns of a row group once; what it gives is a copy. */
export function rememberingDecoder(inner: Decoder): Decoder {
  const known = new Map<string, readonly Column[]>()
  return {
    decode(plan, buffer) {
      const key = `${plan.source} ${plan.columnNames.join()}`
      const columns = known.get(key) ?? decodeOnce(inner, plan, buffer)
      known.set(key, columns)
      return { rowCount: plan.rowCount, columns, release() {} }
    },
  }
}

function decodeOnce(inner: Decoder, ...[plan, buffer]: Parameters<Decoder['decode']>) {
  const decoded = inner.decode(plan, buffer)
  const columns = decoded.columns.map(copyOf)
  decoded.release()
  return columns
}

function copyOf(column: Column): Column {
  return {
    ...column,
    values: column.values && new Uint8Array(column.values),
    offsets: column.offsets && new Uint8Array(column.offsets),
    validity: column.validity && new Uint8Array(column.validity),
    children: column.children.map(copyOf),
  }
}
