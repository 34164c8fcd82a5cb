import { createHash } from 'node:crypto'
import type { Struct } from 'apache-arrow'
import { Field, Int64, Struct as StructType, Utf8, vectorFromArray } from 'apache-arrow'
import type { Condition, Random, WorldColumn, WorldRow } from './rights-conditions.ts'
import type { FileColumn } from './write-parquet.ts'
import { longs, texts, writeParquet } from './write-parquet.ts'

export const worldColumns: readonly WorldColumn[] = [
  'colid',
  'colname',
  'colsalary',
  'coldept',
  'colinfo',
  'colregion',
]

export interface WorldTable {
  readonly schema: string
  readonly table: string
  readonly rows: readonly WorldRow[]
  readonly files: readonly { readonly key: string; readonly bytes: Buffer }[]
}

/** What one entry of a role says, as the callers file has it. */
export interface WorldEntry {
  readonly schema: string
  readonly table: string
  readonly hidden?: boolean
  readonly columns?: { readonly allow: readonly string[] } | { readonly deny: readonly string[] }
  readonly rows?: Condition
}

export interface WorldCaller {
  readonly name: string
  readonly token: string
  readonly entries: readonly WorldEntry[]
}

const names = [
  ['rights-red', 'tabpeople'],
  ['rights-red', 'taborders'],
  ['rights-red', 'tabledger'],
  ['rights-blue', 'tabpeople'],
  ['rights-blue', 'tabplans'],
  ['rights-gray', 'tabvault'],
] as const
const REGIONS = 4
const FILES_PER_REGION = 2
const ROWS_PER_FILE = 12
const ROWS_PER_GROUP = 4

/** Tables whose every text tells whose it is: `cn_red_people_17z` is the name in row 17 of one table alone. */
export function worldTables(random: Random): readonly WorldTable[] {
  return names.map(([schema, table], at) => {
    const of = `${schema.slice(7)}_${table.slice(3)}`
    const rows: WorldRow[] = []
    const files: { key: string; bytes: Buffer }[] = []
    for (let region = 0; region < REGIONS; region++) {
      for (let file = 0; file < FILES_PER_REGION; file++) {
        const start = rows.length
        // Every second file was written before there were departments.
        const hasDepartments = (region + file) % 2 === 0
        const some = Array.from({ length: ROWS_PER_FILE }, (_, row) =>
          rowOf({ of, serial: at * 1_000 + start + row, region, hasDepartments }, random),
        )
        rows.push(...some)
        const key = `tables/${table}/colregion=cr_${of}_${region}z/${file}.parquet`
        files.push({ key, bytes: fileOf(some, hasDepartments) })
      }
    }
    return { schema, table, rows, files }
  })
}

function rowOf(
  place: { of: string; serial: number; region: number; hasDepartments: boolean },
  random: Random,
): WorldRow {
  const { of, serial, region, hasDepartments } = place
  const unless = <T>(share: number, value: T): T | null => (random(100) < share ? null : value)
  return {
    colid: serial,
    colname: unless(10, `cn_${of}_${serial}z`),
    colsalary: unless(15, 1_000 + random(40)),
    coldept: hasDepartments ? unless(20, `cd_${of}_${random(4)}z`) : null,
    colinfo: unless(10, {
      colcity: unless(10, `cc_${of}_${serial}z`),
      colscore: unless(10, random(100)),
    }),
    colregion: `cr_${of}_${region}z`,
  }
}

const infoType: Struct = new StructType([
  new Field('colcity', new Utf8(), true),
  new Field('colscore', new Int64(), true),
])

function fileOf(rows: readonly WorldRow[], hasDepartments: boolean): Buffer {
  const info = rows.map(({ colinfo }) => {
    if (colinfo === null) return null
    const { colcity, colscore } = colinfo
    return { colcity, colscore: colscore === null ? null : BigInt(colscore) }
  })
  const columns: FileColumn[] = [
    ['colid', longs(rows.map(({ colid }) => colid))],
    ['colname', texts(rows.map(({ colname }) => colname))],
    ['colsalary', longs(rows.map(({ colsalary }) => colsalary))],
    ['colinfo', vectorFromArray(info, infoType)],
  ]
  if (hasDepartments) columns.push(['coldept', texts(rows.map(({ coldept }) => coldept))])
  return writeParquet(columns, { rowsPerGroup: ROWS_PER_GROUP })
}

/** What a caller may see of a table, told by the test's own reading of the rules; undefined: nothing. */
export interface WorldSight {
  readonly columns: readonly WorldColumn[]
  readonly rows: readonly WorldRow[]
  readonly hidesRows: boolean
  readonly isWhole: boolean
}

export function sightOf(caller: WorldCaller, table: WorldTable): WorldSight | undefined {
  const entry = caller.entries.find(
    (one) => fits(one.schema, table.schema) && fits(one.table, table.table),
  )
  if (!entry || entry.hidden) return undefined
  const { columns, rows } = entry
  const seen = (name: string): boolean => {
    if (!columns) return true
    return 'allow' in columns ? columns.allow.includes(name) : !columns.deny.includes(name)
  }
  return {
    columns: worldColumns.filter(seen),
    rows: rows ? table.rows.filter((row) => rows.of(row) === true) : table.rows,
    hidesRows: rows !== undefined,
    isWhole: !columns && !rows,
  }
}

/** Patterns of this test end with a star or have none. */
function fits(pattern: string, name: string): boolean {
  return pattern.endsWith('*') ? name.startsWith(pattern.slice(0, -1)) : pattern === name
}

/** The callers file, in JSON, which is YAML. */
export function callersFileOf(callers: readonly WorldCaller[]): string {
  const roles = callers.map(({ name, entries }) => {
    const tables = entries.map(({ rows, ...entry }) => ({
      ...entry,
      ...(rows && { rows: rows.sql }),
    }))
    return [`role-${name}`, { tables }]
  })
  return JSON.stringify({
    roles: Object.fromEntries(roles),
    callers: callers.map(({ name, token }) => ({
      name,
      roles: [`role-${name}`],
      tokens: [{ sha256: createHash('sha256').update(token).digest('hex') }],
    })),
  })
}

/** Words of the world that tell where they come from: values, columns and tables. */
export function wordsIn(bytes: Uint8Array | string): ReadonlySet<string> {
  const text = typeof bytes === 'string' ? bytes : Buffer.from(bytes).toString('latin1')
  return new Set(
    text.match(
      /c[ncdr]_[a-z]+_[a-z]+_\d+z|col(?:id|name|salary|dept|info|city|score|region)|tab(?:people|orders|ledger|plans|vault)|rights-[a-z]+/g,
    ),
  )
}

/** All of these words that a caller may read anywhere, or of one table. */
export function wordsSeen(caller: WorldCaller, tables: readonly WorldTable[]): Set<string> {
  const words = new Set<string>()
  for (const table of tables) {
    const sight = sightOf(caller, table)
    if (!sight) continue
    words.add(table.schema).add(table.table)
    for (const column of sight.columns) words.add(column)
    if (sight.columns.includes('colinfo')) words.add('colcity').add('colscore')
    const told = sight.rows.map((row) =>
      Object.fromEntries(sight.columns.map((column) => [column, row[column]])),
    )
    for (const word of wordsIn(JSON.stringify(told))) words.add(word)
  }
  return words
}
