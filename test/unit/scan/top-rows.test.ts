import t from 'tap'
import type { ArrowType } from '../../../service/arrow/arrow-type.ts'
import { takeRows } from '../../../service/arrow/take-rows.ts'
import type { CastRows } from '../../../service/scan/cast-rows.ts'
import type { TopKey } from '../../../service/scan/scan-job.ts'
import type { ScanRequest } from '../../../service/scan/scan-request.ts'
import { TOP_ROWS_MAX, topOrderOf, TopRows } from '../../../service/scan/top-rows.ts'
import { randomNumbers } from '../../support/columns-random.ts'
import { packed } from '../../support/columns-cast.ts'
import {
  columnOf,
  field,
  int,
  listOf,
  readColumn,
  utf8,
  type Value,
} from '../../support/columns.ts'

const decimalOf = (bitWidth: 32 | 64 | 128 | 256): ArrowType => ({
  kind: 'decimal',
  precision: 9,
  scale: 2,
  bitWidth,
})
const types: readonly ArrowType[] = [
  { kind: 'bool' },
  ...([8, 16, 32, 64] as const).flatMap((width) => [int(width), int(width, false)]),
  { kind: 'float', bitWidth: 32 },
  { kind: 'float', bitWidth: 64 },
  ...([32, 64, 128, 256] as const).map(decimalOf),
  utf8,
  { kind: 'large_utf8' },
  { kind: 'binary' },
  { kind: 'large_binary' },
  { kind: 'fixed_size_binary', byteWidth: 2 },
  { kind: 'date', unit: 'day' },
  { kind: 'date', unit: 'millisecond' },
  { kind: 'timestamp', unit: 'microsecond', timezone: null },
  packed(7),
]
const random = randomNumbers(20_261_121)
const below = (count: number) => Math.floor(random() * count)

/** Bits that a value of the type may have, the sign apart. */
const bitsOf = (type: ArrowType) => {
  if (type.kind === 'decimal' || type.kind === 'int') return type.bitWidth - 1
  return type.kind === 'date' && type.unit === 'day' ? 31 : 63
}

/** Few different values, so that rows tie, and the ones that are easily got wrong. */
function keyValue(type: ArrowType, nulls: number): Value {
  if (random() < nulls) return null
  switch (type.kind) {
    case 'bool':
      return random() < 0.5
    case 'float':
      return [0, 1.5, -1.5, Infinity, -Infinity, -0, Number.NaN, below(5)][below(8)] ?? null
    case 'utf8':
    case 'large_utf8':
      return ['', 'a', 'ab', 'b', 'ž', '\uff5e', '😀', 'B'][below(8)] ?? null
    case 'binary':
    case 'large_binary':
      return Uint8Array.from({ length: below(3) }, () => [0, 127, 128, 255][below(4)] ?? 0)
    case 'fixed_size_binary':
      return Uint8Array.of([0, 127, 128, 255][below(4)] ?? 0, below(2))
    default: {
      const bits = bitsOf(type)
      const most = 2n ** BigInt(bits) - 1n
      const isUnsigned = type.kind === 'int' && !type.signed
      const one = [
        most,
        most - 1n,
        2n ** BigInt(bits - 1),
        ...[31, 53].map((bit) => 1n << BigInt(Math.min(bits - 1, bit))),
      ]
      const value = [...one, 0n, 1n, BigInt(below(100)), 127n][below(9)] ?? 0n
      return isUnsigned || random() < 0.5 ? value : -value - 1n
    }
  }
}

/** Whether the row's place is uncertain in this column. */
const isUncertain = (value: Value) =>
  typeof value === 'number' && (Number.isNaN(value) || Object.is(value, -0))

const hexOf = (value: Value) =>
  Buffer.from(value instanceof Uint8Array || typeof value === 'string' ? value : '').toString('hex')

/** One column's order, written another way than the one under test. */
function compareOne(left: Value, right: Value, type: ArrowType, key: TopKey): number {
  if (left === null && right === null) return 0
  if (left === null) return key.nullsFirst ? -1 : 1
  if (right === null) return key.nullsFirst ? 1 : -1
  const isBytes = /utf8|binary/.test(type.kind)
  const isPacked = type.kind === 'timestamp' && type.packedZoneKey !== undefined
  const [one, other] = [left, right].map((value) => {
    if (isBytes) return hexOf(value)
    if (isPacked) return BigInt.asIntN(64, value as bigint) >> 12n
    return value as bigint | number | boolean
  })
  if (one === undefined || other === undefined || one === other) return 0
  return one < other === key.descending ? 1 : -1
}

interface Row {
  readonly id: number
  readonly keys: readonly Value[]
}

function compareRows(left: Row, right: Row, keyTypes: readonly ArrowType[], keys: TopKey[]) {
  for (const [at, key] of keys.entries()) {
    const type = keyTypes[at] ?? utf8
    const order = compareOne(left.keys[at] ?? null, right.keys[at] ?? null, type, key)
    if (order !== 0) return order
  }
  return 0
}

/** Batches as they come from a cast: some of them views from the middle of another. */
function batchesOf(rows: readonly Row[], keyTypes: readonly ArrowType[]): CastRows[] {
  const batches: CastRows[] = []
  const size = 1 + below(rows.length)
  for (let start = 0; start < rows.length; start += size) {
    const some = rows.slice(start, start + size)
    const ids = columnOf(
      int(32),
      some.map(({ id }) => BigInt(id)),
    )
    const columns = keyTypes.map((type, at) =>
      columnOf(
        type,
        some.map(({ keys }) => keys[at] ?? null),
      ),
    )
    batches.push({ columns: [...columns, ids], rowCount: some.length })
  }
  return batches
}

function idsOf(batches: readonly CastRows[]): number[] {
  return batches.flatMap(({ columns }) => {
    const ids = columns.at(-1)
    return ids === undefined ? [] : readColumn(ids).map(Number)
  })
}

const ROUNDS = 2_500

t.test(`${ROUNDS} generated tables: the first rows, as a sort of all finds them`, async (t) => {
  const seen = new Set<string>()
  for (let round = 0; round < ROUNDS; round++) {
    const keyTypes = Array.from({ length: 1 + below(3) }, (_, at) => {
      const type = types[at === 0 ? round % types.length : below(types.length)]
      return type ?? utf8
    })
    const nulls = [0, 0.3, 1][below(3)] ?? 0
    const rows = Array.from({ length: 1 + below(round % 50 === 0 ? 5_000 : 60) }, (_, id): Row => ({
      id,
      keys: keyTypes.map((type) => keyValue(type, nulls)),
    }))
    const keys = keyTypes.map((_, index): TopKey => ({
      index,
      descending: random() < 0.5,
      nullsFirst: random() < 0.5,
    }))
    const wanted = 1 + below(random() < 0.1 ? 2_000 : 20)
    const all = [...keyTypes, int(32)]
    const bytesMax = random() < 0.1 ? below(500) : undefined
    const top = new TopRows(all, { keys, rows: wanted }, bytesMax)
    const batches = batchesOf(rows, keyTypes)
    const ids = idsOf([...batches.flatMap((batch) => [...top.add(batch)]), ...top.finish()])

    const certain = rows.filter((row) => !row.keys.some(isUncertain))
    const sorted = certain.toSorted((left, right) => compareRows(left, right, keyTypes, keys))
    const first = sorted.slice(0, wanted)
    const last = first.at(-1)
    const found = ids.map((id) => rows[id]).filter((row) => row !== undefined)
    const what = `round ${round}: ${JSON.stringify({ keyTypes, keys, wanted })}`
    const returned = new Set(ids)
    if (returned.size !== ids.length) t.fail(`a row comes twice, ${what}`)
    // Every uncertain row that no certain one surely beats, and all that are before the last of the first.
    const missing = rows.filter((row) => {
      if (returned.has(row.id) || last === undefined) return false
      const at = row.keys.findIndex(isUncertain)
      const [types, order] = at < 0 ? [keyTypes, keys] : [keyTypes.slice(0, at), keys.slice(0, at)]
      return at === 0 || compareRows(row, last, types, order) < (at < 0 ? 0 : 1)
    })
    if (missing.length > 0) t.fail(`rows are missing, ${what}`)
    const chosen = found.filter((row) => !row.keys.some(isUncertain))
    const rank = (some: readonly Row[]) =>
      some.toSorted((left, right) => compareRows(left, right, keyTypes, keys)).slice(0, wanted)
    const isSame = rank(chosen).every((row, at) => {
      const other = first[at]
      return other !== undefined && compareRows(row, other, keyTypes, keys) === 0
    })
    if (!isSame || rank(chosen).length !== first.length) t.fail(`other rows, ${what}`)
    if (bytesMax === undefined && chosen.length !== first.length) t.fail(`too many rows, ${what}`)
    for (const { kind } of keyTypes) seen.add(kind)
  }
  t.equal(seen.size, new Set(types.map(({ kind }) => kind)).size, 'all kinds of columns')
})

t.test('rows come whole, whatever else is in them, and from memory of their own', async (t) => {
  const nested = listOf(utf8)
  const ids = Array.from({ length: 500 }, (_, id) => (id * 37) % 500)
  const lists = ids.map((id) => (id % 5 ? [`${id}`, null] : null))
  const column = columnOf(int(64), ids.map(BigInt))
  const columns = [column, columnOf(nested, lists)]
  const keys = [{ index: 0, descending: true, nullsFirst: false }]
  const top = new TopRows([int(64), nested], { keys, rows: 3 })
  t.strictSame(top.add({ columns, rowCount: 500 }), [])
  column.values?.fill(0)
  const [rows, ...more] = top.finish()
  t.strictSame(more, [])
  t.equal(rows?.rowCount, 3)
  t.strictSame(
    rows?.columns.map((one) => readColumn(takeRows(one, Int32Array.of(0, 1, 2)))),
    [
      [499, 498, 497],
      [
        ['499', null],
        ['498', null],
        ['497', null],
      ],
    ],
  )
})

t.test('rows that are too large to be held are all returned, and so is what follows', async (t) => {
  const keys = [{ index: 0, descending: false, nullsFirst: false }]
  const top = new TopRows([utf8], { keys, rows: 2 }, 1_000)
  const batch = (...texts: string[]) => ({
    columns: [columnOf(utf8, texts)],
    rowCount: texts.length,
  })
  t.strictSame(top.add(batch('c', 'b', 'a')), [])
  const large = top.add(batch('B'.repeat(5_000), 'd'))
  t.strictSame(
    large.map(({ rowCount }) => rowCount),
    [2],
    'beaten rows stay away',
  )
  const rest = batch('e', 'f')
  t.strictSame(top.add(rest), [rest])
  t.strictSame(top.finish(), [])
})

t.test('an order that is not understood leaves all rows', async (t) => {
  const columns = [
    field('A', int(64)),
    field('l', listOf(utf8)),
    field('h', { kind: 'float', bitWidth: 16 }),
  ]
  const request = (names: readonly string[], rows: number): ScanRequest => ({
    split: {
      table: { schema: 's', table: 't' },
      bucket: 's',
      prefix: '',
      partitionColumns: [],
      files: [],
      expiresMs: 0,
    },
    columns: columns.map((one) => ({ field: one, from: { kind: 'file' } })),
    frames: { bodyBytesTarget: 1, bodyBytesMax: 1, rowsMax: 1 },
    top: { rows, order: names.map((column) => ({ column, descending: true, nullsFirst: true })) },
  })
  const keys = [{ index: 0, descending: true, nullsFirst: true }]
  t.strictSame(topOrderOf(request(['a'], TOP_ROWS_MAX)), { keys, rows: TOP_ROWS_MAX })
  t.equal(topOrderOf(request(['a'], TOP_ROWS_MAX + 1)), undefined)
  t.equal(topOrderOf(request(['a'], 0)), undefined)
  t.equal(topOrderOf(request([], 1)), undefined)
  t.equal(topOrderOf(request(['a', 'l'], 1)), undefined)
  t.equal(topOrderOf(request(['h'], 1)), undefined)
  t.equal(topOrderOf(request(['nobody'], 1)), undefined)
  t.equal(topOrderOf({ ...request(['a'], 1), rowLimit: 3 }), undefined)
})
