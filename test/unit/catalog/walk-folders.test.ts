import t from 'tap'
import type { ArrowType } from '../../../service/arrow/arrow-type.ts'
import type { FilesFrom } from '../../../service/catalog/file-lister.ts'
import type { FolderFilter, PartitionText } from '../../../service/catalog/partitions.ts'
import { parsePartitionValue } from '../../../service/catalog/partitions.ts'
import { compareKeys } from '../../../service/objects/key-order.ts'
import type { MemoryTable } from '../../support/memory-table.ts'
import { memoryTable } from '../../support/memory-table.ts'

const { signal } = new AbortController()
const root = 'tables/orders/'
const day: ArrowType = { kind: 'date', unit: 'day' }
const int: ArrowType = { kind: 'int', bitWidth: 32, signed: true }
const utf8: ArrowType = { kind: 'utf8' }
const timestamp: ArrowType = { kind: 'timestamp', unit: 'microsecond', timezone: null }

/** What values of a column are wanted; a text that is none of its type is kept. */
interface Wanted {
  readonly column: string
  readonly type: ArrowType
  readonly holds: (value: bigint | string | null) => boolean
}

function filterOf(...wanted: readonly Wanted[]): FolderFilter {
  return {
    columns: wanted.map(({ column }) => column),
    mayHold: (partitions) =>
      wanted.every(({ column, type, holds }) => {
        const partition = partitions.find(({ name }) => name.toLowerCase() === column.toLowerCase())
        const value = partition && parsePartitionValue(partition.text, type)
        if (value === undefined) return true
        return holds(value instanceof Uint8Array ? Buffer.from(value).toString() : plain(value))
      }),
  }
}

function plain(value: unknown): bigint | null {
  return typeof value === 'bigint' ? value : null
}

const daysFrom = (text: string) => BigInt(Date.parse(text) / 86_400_000)
const dayIs = (...days: string[]): Wanted => ({
  column: 'Day',
  type: day,
  holds: (value) => days.some((one) => daysFrom(one) === value),
})
const dayFrom = (first: string, end: string): Wanted => ({
  column: 'day',
  type: day,
  holds: (value) => typeof value === 'bigint' && value >= daysFrom(first) && value < daysFrom(end),
})
const hourIs = (hour: number): Wanted => ({
  column: 'hour',
  type: int,
  holds: (value) => value === BigInt(hour),
})
/** A column of the files. */
const idIs: Wanted = { column: 'id', type: int, holds: () => false }

async function filesOf({ catalog, store }: MemoryTable, from: FilesFrom) {
  const table = await catalog.findTable({ schema: 'lake-a', table: 'orders' }, signal)
  store.reset()
  const keys: string[] = []
  const partitions = new Set<readonly PartitionText[]>()
  let foldersPassed = 0
  for await (const page of catalog.listFiles(table, from, signal)) {
    keys.push(...page.files.map(({ object }) => object.key.slice(root.length)))
    for (const file of page.files) partitions.add(file.partitions)
    foldersPassed += page.foldersPassed
  }
  const lists = store.lists.map(({ prefix, shallow }) => {
    return `${prefix.slice(root.length)}${shallow ? '*' : '**'}`
  })
  return { keys, lists, foldersPassed, partitions: [...partitions] }
}

const dayText = (at: number) => new Date(Date.UTC(2026, 0, 1 + at)).toISOString().slice(0, 10)

function dayTable(dayCount: number, filesPerDay: number): MemoryTable {
  const table = memoryTable()
  for (let at = 0; at < dayCount; at++) {
    for (let file = 0; file < filesPerDay; file++) {
      table.put(`${root}day=${dayText(at)}/${file}.parquet`)
    }
  }
  return table
}

t.test('lists the folders of a day, of two days, of a range, and no others', async (t) => {
  const table = dayTable(100, 20)
  const one = await filesOf(table, { filter: filterOf(dayIs('2026-02-03'), idIs) })
  t.strictSame(one.lists, ['*', 'day=2026-02-03/*'])
  t.equal(one.keys.length, 20)
  t.equal(one.foldersPassed, 99)
  const two = await filesOf(table, { filter: filterOf(dayIs('2026-02-03', '2026-03-03')) })
  t.strictSame(two.lists, ['*', 'day=2026-02-03/**', 'day=2026-03-03/**'])
  t.equal(two.keys.length, 40)
  const ten = await filesOf(table, { filter: filterOf(dayFrom('2026-02-03', '2026-02-13')) })
  t.equal(ten.lists.length, 1 + 10)
  t.equal(ten.keys.length, 200)
  const none = await filesOf(table, { filter: filterOf(dayIs('1999-01-01')) })
  t.strictSame([none.lists, none.keys], [['*'], []])
})

t.test('lists many neighbours in one go, which ends behind the last', async (t) => {
  const table = dayTable(400, 20)
  const range = await filesOf(table, { filter: filterOf(dayFrom('2026-02-01', '2026-04-01')) })
  t.equal(range.keys.length, 59 * 20)
  t.strictSame(range.lists, ['*', '**', '**'], '1,180 files are two pages')
  t.equal(table.store.lists[1]?.startAfter, `${root}day=2026-02-01`)
})

t.test('lists all in one go when no column of the filter is a folder', async (t) => {
  const table = dayTable(30, 2)
  t.strictSame((await filesOf(table, {})).lists, ['**'])
  const unknown = memoryTable()
  for (const at of [1, 2, 3]) unknown.put(`${root}day=${dayText(at)}/a.parquet`)
  const first = await filesOf(unknown, { filter: filterOf(idIs) })
  t.strictSame(first.lists, ['*', '**'], 'what the folders are had to be seen')
  t.strictSame((await filesOf(unknown, { filter: filterOf(idIs) })).lists, ['**'])
  const flat = memoryTable()
  for (const name of ['a', 'b']) flat.put(`${root}${name}.parquet`)
  const files = await filesOf(flat, { filter: filterOf(idIs) })
  t.strictSame([files.lists, files.keys], [['*'], ['a.parquet', 'b.parquet']])
})

t.test('goes down as far as columns of the filter lead', async (t) => {
  const table = memoryTable()
  for (let at = 0; at < 10; at++) {
    for (let hour = 0; hour < 24; hour++) {
      table.put(`${root}day=${dayText(at)}/hour=${hour}/a.parquet`)
    }
  }
  const both = await filesOf(table, { filter: filterOf(dayIs('2026-01-03'), hourIs(7)) })
  t.strictSame(both.lists, ['*', 'day=2026-01-03/*', 'day=2026-01-03/hour=7/**'])
  t.equal(both.foldersPassed, 9 + 23)
  t.strictSame(both.partitions, [
    [
      { name: 'day', text: '2026-01-03' },
      { name: 'hour', text: '7' },
    ],
  ])
  const dayOnly = await filesOf(table, { filter: filterOf(dayIs('2026-01-03'), idIs) })
  t.strictSame(dayOnly.lists, ['*', 'day=2026-01-03/**'])
  t.equal(dayOnly.keys.length, 24)
  const hourOnly = await filesOf(table, { filter: filterOf(hourIs(7)) })
  t.strictSame(hourOnly.lists, ['**'], 'hour is no leading column')
})

t.test('compares as the column is typed, null and %-escapes included', async (t) => {
  const table = memoryTable()
  const folders = ['k=9', 'k=10', 'k=-1', 'k=__HIVE_DEFAULT_PARTITION__', 'k=M%C3%BCnchen', 'k=a b']
  for (const folder of folders) table.put(`${root}${folder}/a.parquet`)
  const keep = async (type: ArrowType, holds: Wanted['holds']) => {
    const { keys } = await filesOf(table, { filter: filterOf({ column: 'K', type, holds }) })
    return keys.map((key) => key.split('/')[0])
  }
  t.strictSame(
    await keep(int, (value) => typeof value === 'bigint' && value > 9n),
    ['k=10', 'k=M%C3%BCnchen', 'k=a b'],
    'what is no integer is left to the scan',
  )
  t.strictSame(await keep(utf8, (value) => value === null), ['k=__HIVE_DEFAULT_PARTITION__'])
  t.strictSame(await keep(utf8, (value) => value === 'München'), ['k=M%C3%BCnchen'])
  t.strictSame(await keep(utf8, (value) => typeof value === 'string' && value > '9'), [
    'k=M%C3%BCnchen',
    'k=a b',
  ])
  const moments = memoryTable()
  for (const text of ['2026-01-01 10:00:00', '2026-01-01 11%3A00%3A00', '2026-01-02 00:00:00']) {
    moments.put(`${root}at=${text}/a.parquet`)
  }
  const noon = BigInt(Date.UTC(2026, 0, 1, 10, 30)) * 1000n
  const after: Wanted = {
    column: 'at',
    type: timestamp,
    holds: (value) => typeof value === 'bigint' && value > noon,
  }
  const { lists } = await filesOf(moments, { filter: filterOf(after) })
  t.strictSame(lists, ['*', 'at=2026-01-01 11%3A00%3A00/**', 'at=2026-01-02 00:00:00/**'])
})

t.test('leaves hidden folders out and counts them; plain folders are listed whole', async (t) => {
  const table = memoryTable()
  for (const name of ['_delta_log/1.json', '.tmp/a.parquet', 'day=2026-01-01/_part/a.parquet']) {
    table.put(`${root}${name}`)
  }
  table.put(`${root}day=2026-01-01/sub/x/a.parquet`)
  const filter = filterOf(dayIs('2026-01-01'), hourIs(1))
  const { keys, lists } = await filesOf(table, { filter })
  t.strictSame(keys, ['day=2026-01-01/sub/x/a.parquet'])
  t.strictSame(lists, ['*', 'day=2026-01-01/*', 'day=2026-01-01/sub/**'])
})

/** Small and repeatable. */
function random(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
}

t.test('finds in 300 generated tables what the whole listing has, from any key on', async (t) => {
  for (let seed = 1; seed <= 300; seed++) {
    const next = random(seed)
    const table = memoryTable({ pageEntriesMax: 1 + next(9) })
    const depth = next(4)
    const names = ['day', 'hour', 'k'].slice(0, depth)
    for (let file = next(60); file >= 0; file--) {
      const folders = names.map((name) => {
        if (next(12) === 0) return `${name}=__HIVE_DEFAULT_PARTITION__`
        return `${name}=${name === 'day' ? dayText(next(40)) : next(14)}`
      })
      const plainFolder = next(10) === 0 ? ['sub-'] : []
      table.put(`${root}${[...folders, ...plainFolder, `${next(30)}.parquet`].join('/')}`)
    }
    const candidates = [dayFrom(dayText(next(20)), dayText(20 + next(21))), hourIs(next(14)), idIs]
    const wanted = candidates.filter(() => next(3) > 0)
    const filter = filterOf(...wanted)
    const all = await filesOf(table, {})
    const startAfter = next(2) === 0 ? all.keys[next(all.keys.length)] : undefined
    const after = startAfter === undefined ? {} : { startAfter: root + startAfter }
    const found = await filesOf(table, { filter, ...after })
    const partitionsOf = (key: string) =>
      key
        .split('/')
        .filter((part) => part.includes('='))
        .map((part) => {
          const [name = '', text = ''] = part.split('=')
          return { name, text: text.startsWith('__HIVE') ? null : text }
        })
    const mayHold = (key: string) => filter.mayHold(partitionsOf(key))
    const expected = all.keys.filter(
      (key) => mayHold(key) && (startAfter === undefined || compareKeys(key, startAfter) > 0),
    )
    const kept = found.keys.filter(mayHold)
    if (kept.join('\n') !== expected.join('\n')) {
      t.strictSame(kept, expected, `seed ${seed}, ${depth} levels`)
      return
    }
  }
  t.pass('300 tables')
})
