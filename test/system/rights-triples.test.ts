import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import type { Condition } from '../support/rights-conditions.ts'
import { pick, randomBelow, randomCondition } from '../support/rights-conditions.ts'
import type { WorldAnswer, WorldAsk, WorldDoors, WorldRecord } from '../support/rights-doors.ts'
import { worldDoors } from '../support/rights-doors.ts'
import type { WorldColumn } from '../support/rights-conditions.ts'
import type { WorldCaller, WorldSight, WorldTable } from '../support/rights-world.ts'
import {
  callersFileOf,
  sightOf,
  wordsIn,
  wordsSeen,
  worldColumns,
  worldTables,
} from '../support/rights-world.ts'
import { worldCallers } from '../support/rights-roles.ts'
import { startStack } from '../support/start-stack.ts'

// Whoever asks for whatever, through whichever door, while the caches are warm from others: not a row, not a name and
// not a number that the rules do not let them see. The test reads the rules by itself.

/** `SPILLWAY_TEST_TRIPLES=10000` for the long run. */
const TRIPLES = Number(process.env['SPILLWAY_TEST_TRIPLES'] ?? 1_000)
const SEED = Number(process.env['SPILLWAY_TEST_SEED'] ?? Date.now() % 1_000_000)
t.setTimeout(1_800_000)

/** Tickets of others that are tried. */
const TICKETS_KEPT = 200
const FORGED = Buffer.alloc(200, 7)

interface Person {
  readonly caller: WorldCaller
  readonly doors: WorldDoors
  /** Words it may read anywhere. */
  readonly words: ReadonlySet<string>
}

/** One triple: who asks what of which table. */
interface Triple {
  readonly person: Person
  readonly table: WorldTable
  readonly sight: WorldSight | undefined
  readonly ask: WorldAsk
  readonly condition: Condition | undefined
}

const counts: Record<string, number> = {}
const count = (what: string) => void (counts[what] = (counts[what] ?? 0) + 1)

t.test(`${TRIPLES} random callers, tables, columns and filters, seed ${SEED}`, async (t) => {
  const random = randomBelow(SEED)
  const tables = worldTables(random)
  const callers = worldCallers(random, tables)
  const callersFile = join(t.testdir(), 'callers.json')
  await writeFile(callersFile, callersFileOf(callers))
  const stack = await startStack({
    gateway: { SPILLWAY_CALLERS_FILE: callersFile, SPILLWAY_LISTING_TTL: '1h' },
  })
  const people = callers.map((caller): Person => ({
    caller,
    doors: worldDoors(caller, stack),
    words: wordsSeen(caller, tables),
  }))
  t.teardown(async () => {
    for (const { doors } of people) doors.close()
    await stack.close()
  })
  for (const { schema, files } of tables) {
    if (!(await stack.client.bucketExists(schema))) await stack.client.makeBucket(schema)
    for (const { key, bytes } of files) await stack.client.putObject(schema, key, bytes)
  }
  const judge = new Judge(t.fail.bind(t), tables)
  for (let done = 0; done < TRIPLES; done++) {
    const person = pick(random, people)
    // Half of them ask for what they may see.
    const visible = tables.filter((one) => sightOf(person.caller, one) !== undefined)
    const isFriendly = random(2) === 0 && visible.length > 0
    const table = pick(random, isFriendly ? visible : tables)
    const sight = sightOf(person.caller, table)
    const condition =
      random(4) > 0 ? randomCondition(random, table.rows, { fallible: true }) : undefined
    const columns = random(3) > 0 ? someColumns(random) : undefined
    const ask: WorldAsk = {
      schema: table.schema,
      table: random(10) > 0 ? table.table : `${table.table}x`,
      ...(columns && { columns }),
      ...(condition && { filter: condition.sql }),
      ...(random(4) === 0 && { limit: random(12) }),
      ...(random(4) === 0 && { endpoints: 1 + random(5) }),
    }
    const seen = ask.table === table.table ? sight : undefined
    await judge.ask({ person, table, sight: seen, ask, condition }, random)
  }
  t.comment(`seed ${SEED}: ${JSON.stringify(counts)}`)
  for (const what of ['rows compared', 'refused: column', 'refused: table', 'tickets of others']) {
    t.ok((counts[what] ?? 0) > TRIPLES / 100, what)
  }
  const log = stack.log.join('')
  t.notMatch(log, 'internal error')
})

function someColumns(random: (below: number) => number): WorldColumn[] {
  return worldColumns
    .filter(() => random(2) === 0)
    .concat('colid')
    .filter((one, at, all) => all.indexOf(one) === at)
}

class Judge {
  readonly #fail: (message: string) => unknown
  readonly #tables: readonly WorldTable[]
  readonly #tickets: {
    readonly owner: Person
    readonly ticket: Uint8Array
    readonly ask: WorldAsk
  }[] = []

  constructor(fail: (message: string) => unknown, tables: readonly WorldTable[]) {
    this.#fail = fail
    this.#tables = tables
  }

  async ask(triple: Triple, random: (below: number) => number): Promise<void> {
    const { person, ask, table } = triple
    const { doors } = person
    switch (random(11)) {
      case 0:
      case 1:
        return this.#rows(triple, await doors.readHttp(ask), 'http')
      case 2:
      case 3:
        return this.#rows(triple, await doors.readFlight(ask), 'flight')
      case 4:
        return this.#plan(triple, await doors.plan(ask))
      case 5: {
        const path = `/v1/schemas/${ask.schema}/tables/${ask.table}`
        return this.#described(triple, await doors.get(path))
      }
      case 6:
        return this.#lists(triple)
      case 7: {
        const answer = await doors.describeAthena(ask)
        return this.#schema({ ...triple, ask: { schema: ask.schema, table: ask.table } }, answer)
      }
      case 8:
        return this.#schema(triple, await doors.schemaFlight(ask))
      case 9: {
        const column = pick(random, ['colid', 'colsalary'] as const)
        const from = pick(random, table.rows)[column] ?? 0
        const { filter: _, limit: __, ...plain } = ask
        const condition: Condition = {
          sql: '',
          columns: [column],
          of: (row) => (row[column] === null ? null : row[column] >= from),
          fails: () => false,
        }
        const answer = await doors.readAthena(plain, { column, from })
        return this.#rows({ ...triple, ask: plain, condition }, answer, 'athena')
      }
      default:
        return this.#replay(triple, random)
    }
  }

  /** Rows of which all is exact, or the refusal that is due. */
  #rows(triple: Triple, answer: WorldAnswer, door: string): void {
    const { person, ask, sight, condition } = triple
    this.#leaks(triple, answer)
    if (this.#refused(triple, answer) || !sight) return
    this.#keep(person, ask, answer)
    const fails = condition !== undefined && sight.rows.some((row) => condition.fails(row))
    if (answer.code !== 'ok') {
      const isDue = fails && answer.code === 'invalid_request'
      if (!isDue) this.#wrong(triple, `${door} failed: ${answer.code} ${answer.message}`)
      count('errors of visible rows')
      return
    }
    const columns = ask.columns ?? sight.columns
    const expected = sight.rows
      .filter((row) => condition === undefined || condition.of(row) === true)
      .map((row) =>
        Object.fromEntries(columns.map((column) => [column, row[column as WorldColumn]])),
      )
    const [found, due] = [answer.rows ?? [], expected].map(sorted)
    const isRight =
      ask.limit === undefined
        ? same(found, due)
        : found?.length === Math.min(ask.limit, expected.length) && isPartOf(found, due ?? [])
    if (!isRight && !fails) {
      this.#wrong(triple, `${door}: ${found?.length} rows, due ${due?.length}`)
    }
    count('rows compared')
    counts['rows'] = (counts['rows'] ?? 0) + (found?.length ?? 0)
  }

  #plan(triple: Triple, answer: WorldAnswer): void {
    const { person, ask, sight } = triple
    this.#leaks(triple, answer)
    if (this.#refused(triple, answer) || !sight) return
    if (answer.code !== 'ok') return this.#wrong(triple, `plan: ${answer.code} ${answer.message}`)
    this.#keep(person, ask, answer)
    count('plans')
    if (!sight.hidesRows) return
    const told = answer.json ?? {}
    const ledger = Object.entries(told['ledger'] as Record<string, unknown>)
    const free = ['filesKept', 'rowGroupsKept', 'splits', 'ticketBytes', 'notApplied']
    const numbers = ledger.filter(([name, value]) => !free.includes(name) && value !== 0)
    const splits = told['splits'] as readonly Record<string, unknown>[]
    const isQuiet = splits.every(({ rows, decodedBytes }) => rows === null && decodedBytes === null)
    if (told['rows'] !== null || numbers.length > 0 || !isQuiet) {
      this.#wrong(triple, `the plan tells ${JSON.stringify(told)}`)
    }
  }

  #described(triple: Triple, answer: WorldAnswer): void {
    const { sight, table } = triple
    const name = { schema: table.schema, table: triple.ask.table }
    this.#leaks({ ...triple, ask: name }, answer)
    if (this.#refused({ ...triple, ask: name, condition: undefined }, answer) || !sight) return
    const { columns, files, bytes, rows, partitions, conflicts } = answer.json ?? {}
    const names = (columns as readonly { readonly name: string }[]).map((column) => column.name)
    if (!same(names.toSorted(), sight.columns.toSorted()))
      this.#wrong(triple, `columns ${names.join()}`)
    if (sight.hidesRows && (files ?? bytes ?? rows) !== null) this.#wrong(triple, 'it is counted')
    if (!sight.hidesRows && rows !== sight.rows.length) this.#wrong(triple, `${String(rows)} rows`)
    const hidesRegion = sight.hidesRows || !sight.columns.includes('colregion')
    if (hidesRegion && partitions !== null) this.#wrong(triple, 'hidden folders are counted')
    if (!same(conflicts, [])) this.#wrong(triple, 'it tells conflicts')
    count('described')
  }

  #schema(triple: Triple, answer: WorldAnswer): void {
    const { ask, sight } = triple
    this.#leaks(triple, answer)
    if (
      this.#refused(ask.filter === undefined ? { ...triple, condition: undefined } : triple, answer)
    )
      return
    if (!sight) return
    const due = ask.columns ?? sight.columns
    if (!same(answer.columns?.toSorted(), due.toSorted())) {
      this.#wrong(triple, `the schema has ${String(answer.columns)}`)
    }
    count('schemas')
  }

  async #lists(triple: Triple): Promise<void> {
    const { person, table } = triple
    const { caller, doors } = person
    const tables = this.#tables.filter((one) => sightOf(caller, one))
    const schemas = [...new Set(tables.map(({ schema }) => schema))].toSorted()
    const here = tables.filter(({ schema }) => schema === table.schema).map((one) => one.table)
    const nowhere: Triple = { ...triple, ask: { schema: '', table: '' } }
    const [all, athena, flights] = await Promise.all([
      doors.get('/v1/schemas'),
      doors.listAthena(),
      doors.listFlights(),
    ])
    for (const answer of [all, athena]) {
      if (!same(answer.json?.['schemas'], schemas))
        this.#wrong(triple, `lists ${String(answer.bytes)}`)
    }
    for (const answer of [all, athena, flights]) this.#leaks(nowhere, answer, person.words)
    const path = `/v1/schemas/${table.schema}/tables`
    for (const answer of [await doors.get(path), await doors.listAthena(table.schema)]) {
      const due = here.length === 0 ? undefined : here.toSorted()
      if (!same(answer.json?.['tables'], due)) this.#wrong(triple, `lists ${String(answer.bytes)}`)
      if (here.length === 0 && answer.message !== `there is no schema ${table.schema}`) {
        this.#wrong(triple, `of a hidden schema: ${answer.message}`)
      }
    }
    count('lists')
  }

  /** A ticket of somebody else is no better than bytes that nobody sealed. */
  async #replay(triple: Triple, random: (below: number) => number): Promise<void> {
    const { person } = triple
    const others = this.#tickets.filter(({ owner }) => owner !== person)
    if (others.length === 0) return
    const { ticket, ask } = pick(random, others)
    const tried = await person.doors.tryTicket(ticket, ask)
    const forged = await person.doors.tryTicket(FORGED, ask)
    for (const [at, { code, message }] of tried.entries()) {
      if (code !== 'invalid_request' || message !== forged[at]?.message) {
        this.#wrong(triple, `the ticket of another is answered by ${code} ${message}`)
      }
    }
    count('tickets of others')
  }

  #keep(owner: Person, ask: WorldAsk, { tickets = [] }: WorldAnswer): void {
    for (const ticket of tickets.slice(0, 2)) this.#tickets.push({ owner, ticket, ask })
    while (this.#tickets.length > TICKETS_KEPT) this.#tickets.shift()
  }

  /** True when the answer is the refusal that is due. */
  #refused(triple: Triple, { code, message, tickets }: WorldAnswer): boolean {
    const { ask, sight, condition } = triple
    if (!sight) {
      const due = `there is no table ${ask.schema}.${ask.table}`
      if (code !== 'table_not_found' || message !== due) this.#wrong(triple, `${code} ${message}`)
      count('refused: table')
      return true
    }
    const asked = [...(ask.columns ?? []), ...(condition?.columns ?? [])]
    const hidden = asked.filter((column) => !sight.columns.includes(column as WorldColumn))
    if (hidden.length === 0 && sight.columns.length > 0) return false
    if (sight.columns.length === 0 && code === 'unsupported') return true
    if (hidden.length === 0) return false
    // Athena reads no split where no row can be: then nobody asks for columns.
    if (code === 'ok' && tickets?.length === 0) return true
    if (code !== 'invalid_request')
      this.#wrong(triple, `hidden ${hidden.join()}: ${code} ${message}`)
    count('refused: column')
    return true
  }

  #leaks(triple: Triple, { bytes }: WorldAnswer, anywhere?: ReadonlySet<string>): void {
    const { person, ask, table, condition } = triple
    const may =
      anywhere ??
      new Set([
        ...wordsSeen(person.caller, [table]),
        ...wordsIn(JSON.stringify([ask, condition?.columns])),
      ])
    const leaked = [...wordsIn(bytes)].filter((word) => !may.has(word))
    if (leaked.length > 0)
      this.#wrong(triple, `LEAKED ${leaked.slice(0, 5).join()}: ${String(bytes.subarray(0, 300))}`)
  }

  #wrong({ person, ask }: Triple, what: string): void {
    const { name, entries } = person.caller
    const rules = entries.map(({ rows, ...entry }) => ({ ...entry, rows: rows?.sql }))
    this.#fail(
      `seed ${SEED}, ${name} ${JSON.stringify(rules)} asks ${JSON.stringify(ask)}: ${what}`,
    )
  }
}

function sorted(rows: readonly WorldRecord[] | readonly object[]): string[] {
  return rows
    .map((row) =>
      JSON.stringify(Object.entries(row).toSorted(([left], [right]) => (left < right ? -1 : 1))),
    )
    .toSorted()
}

function isPartOf(found: readonly string[], all: readonly string[]): boolean {
  const left = [...all]
  return found.every((row) => {
    const at = left.indexOf(row)
    if (at >= 0) left.splice(at, 1)
    return at >= 0
  })
}

function same(left: unknown, right: unknown): boolean {
  return JSON.stringify(left) === JSON.stringify(right)
}
