import { readFileSync } from 'node:fs'
import { makeData, Table, TimestampMillisecond, tableToIPC, Vector } from 'apache-arrow'
import t from 'tap'
import { readConstraints } from '../../../service/federation/athena-constraints.ts'
import type { InDomain, Predicate } from '../../../service/predicate/predicate.ts'
import { predicateFalse, predicateTrue } from '../../../service/predicate/predicate.ts'

function layoutConstraints(version: number): string {
  const path = new URL(`../../golden/athena/java_layoutreq_v${version}.json`, import.meta.url)
  const request = JSON.parse(readFileSync(path, 'utf8')) as { constraints: object }
  return JSON.stringify(request.constraints)
}

function terms(predicate: Predicate): Map<string, InDomain> {
  const all = predicate.kind === 'and' ? predicate.terms : [predicate]
  return new Map(
    all.flatMap((term) => (term.kind === 'in_domain' ? [[term.column, term] as const] : [])),
  )
}

for (const version of [4, 5, 6]) {
  t.test(`reads every value set that the Java SDK writes in serde ${version}`, async (t) => {
    const { predicate } = readConstraints(layoutConstraints(version))
    t.strictSame(predicate, predicateFalse, 'h_none matches nothing, so the conjunction does not')
  })
}

t.test('reads bounds, points, nulls and complements', async (t) => {
  const constraints = JSON.parse(layoutConstraints(5)) as { summary: Record<string, unknown> }
  delete constraints.summary['h_none']
  const found = terms(readConstraints(JSON.stringify(constraints)).predicate)
  t.strictSame(found.get('a_eq')?.domain, {
    nullAllowed: false,
    ranges: [{ low: { value: 5n, inclusive: true }, high: { value: 5n, inclusive: true } }],
  })
  t.equal(found.get('b_in')?.domain.ranges.length, 2)
  t.type(found.get('b_in')?.domain.ranges[0]?.low?.value, Uint8Array)
  const above = found.get('c_gt')?.domain.ranges
  t.equal(above?.length, 1)
  t.equal(above?.[0]?.low?.inclusive, false)
  t.equal(above?.[0]?.high, undefined)
  const between = found.get('d_between')?.domain.ranges[0]
  t.strictSame([between?.low?.inclusive, between?.high?.inclusive], [true, false])
  t.strictSame(found.get('e_isnull')?.domain, { nullAllowed: true, ranges: [] })
  t.strictSame(found.get('f_notnull')?.domain, { nullAllowed: false, ranges: [{}] })
  t.notOk(found.has('g_all'), 'what is always true is no term')
  t.equal(found.get('i_neq')?.domain.ranges.length, 2)
  t.equal(found.get('i_neq')?.domain.nullAllowed, true)
  t.strictSame(found.get('j_ts')?.type, { kind: 'date', unit: 'millisecond' })
  t.type(found.get('j_ts')?.domain.ranges[0]?.high?.value, 'bigint')
})

t.test('trusts a limit only when it understands all that stands below it', async (t) => {
  t.equal(
    readConstraints('{"summary":{},"expression":[],"orderByClause":[],"limit":7}').rowLimit,
    7,
  )
  t.equal(readConstraints('{"summary":{},"limit":0}').rowLimit, 0)
  t.equal(readConstraints('{"summary":{},"limit":-1}').rowLimit, undefined)
  const filtered = JSON.parse(layoutConstraints(5)) as { limit: number }
  t.equal(readConstraints(JSON.stringify({ ...filtered, limit: 7 })).rowLimit, undefined)
  t.equal(readConstraints('{"summary":{},"expression":[{}],"limit":7}').rowLimit, undefined)
})

t.test(
  'takes an AllOrNoneValueSet that seems to mean nothing for not null, as Java writes that',
  async (t) => {
    const summary = {
      c: {
        '@type': 'AllOrNoneValueSet',
        type: { '@type': 'Utf8' },
        all: false,
        nullAllowed: false,
      },
    }
    t.match(readConstraints(JSON.stringify({ summary })), {
      understood: true,
      predicate: { kind: 'in_domain', column: 'c', domain: { nullAllowed: false, ranges: [{}] } },
    })
  },
)

t.test('refuses what is not JSON and blocks that are not Arrow', async (t) => {
  t.throws(() => readConstraints('{'), { code: 'invalid_request' })
  const marker = {
    valueBlock: { schema: 'AAAA', records: 'AAAA' },
    bound: 'EXACTLY',
    nullValue: false,
  }
  const summary = {
    c: {
      '@type': 'SortedRangeSet',
      type: { '@type': 'Utf8' },
      ranges: [{ low: marker, high: marker }],
      nullAllowed: false,
    },
  }
  t.throws(() => readConstraints(JSON.stringify({ summary })), { code: 'invalid_request' })
})

t.test('reads a packed timestamp beyond what a double holds', async (t) => {
  const type = new TimestampMillisecond('UTC')
  const packed = 4_102_444_800_000n << 12n
  const data = makeData({ type, length: 1, data: BigInt64Array.of(packed) })
  const table = new Table({ col1: new Vector([data]) })
  const stream = tableToIPC(table, 'stream')
  const schemaBytes = 8 + new DataView(stream.buffer, stream.byteOffset).getInt32(4, true)
  const valueBlock = {
    schema: Buffer.from(stream.subarray(0, schemaBytes)).toString('base64'),
    records: Buffer.from(stream.subarray(schemaBytes, stream.length - 8)).toString('base64'),
  }
  const marker = { valueBlock, bound: 'EXACTLY', nullValue: false }
  const summary = {
    at: {
      '@type': 'SortedRangeSet',
      type: { '@type': 'Timestamp', unit: 'MILLISECOND', timezone: 'UTC' },
      ranges: [{ low: marker, high: marker }],
      nullAllowed: false,
    },
  }
  const { predicate } = readConstraints(JSON.stringify({ summary }))
  t.match(terms(predicate).get('at')?.domain.ranges, [{ low: { value: 4_102_444_800_000n } }])
})

const intType = { '@type': 'Int', bitWidth: 32, isSigned: true }
const variable = (columnName: string, type: object = intType) => ({
  '@type': 'VariableExpression',
  columnName,
  type,
})
const call = (functionName: string, ...args: object[]) => ({
  '@type': 'FunctionCallExpression',
  type: { '@type': 'Bool' },
  functionName: { functionName },
  arguments: args,
})
const read = (...expression: object[]) =>
  readConstraints(JSON.stringify({ summary: {}, expression, orderByClause: [], limit: 7 }))

t.test('names what it does not understand, keeps the rest, and gives up the limit', async (t) => {
  const list = variable('tags', { '@type': 'List' })
  const isNull = call('$is_null', variable('a'))
  t.match(read(isNull), { understood: true, notUnderstood: [], rowLimit: 7 })
  const both = read(call('$and', isNull, call('$soundex', variable('b'))))
  t.match(both, { understood: false, notUnderstood: ['$soundex of int'] })
  t.match(both.predicate, { kind: 'in_domain', column: 'a' })
  t.equal(both.rowLimit, undefined)
  const either = read(call('$or', isNull, call('$soundex', variable('b'))))
  t.strictSame(either.predicate, predicateTrue, 'half of an alternative is no filter')
  t.match(read(call('$equal', list, list)), { notUnderstood: ['$equal of null and null'] })
  t.match(read(call('$is_null', list)), { understood: true })
  const moments = call('$less_than', variable('a', { '@type': 'Date', unit: 'DAY' }), variable('b'))
  t.match(read(moments), { notUnderstood: ['$less_than of date and int'] })
})

t.test('a query plan may hold more than the constraints say', async (t) => {
  const plan = { substraitVersion: '1', substraitPlan: 'AAAA' }
  const constraints = { summary: {}, limit: 7, queryPlan: plan }
  const found = readConstraints(JSON.stringify(constraints))
  t.match(found, { understood: false, notUnderstood: ['the query plan'] })
  t.equal(found.rowLimit, undefined)
  t.equal(readConstraints(JSON.stringify({ ...constraints, queryPlan: null })).rowLimit, 7)
})

t.test('an order of rows and its limit are read together', async (t) => {
  const clause = (direction: unknown) => ({ columnName: 'a', direction })
  const ordered = (orderByClause: readonly object[], more: object = {}) => {
    const { rowLimit, top } = readConstraints(
      JSON.stringify({ summary: {}, orderByClause, limit: 7, ...more }),
    )
    return { rowLimit, top }
  }
  const all = { rowLimit: undefined, top: undefined }
  const directions = ['ASC_NULLS_FIRST', 'ASC_NULLS_LAST', 'DESC_NULLS_FIRST', 'DESC_NULLS_LAST']
  t.strictSame(ordered(directions.map(clause)), {
    rowLimit: undefined,
    top: {
      rows: 7,
      order: [
        { column: 'a', descending: false, nullsFirst: true },
        { column: 'a', descending: false, nullsFirst: false },
        { column: 'a', descending: true, nullsFirst: true },
        { column: 'a', descending: true, nullsFirst: false },
      ],
    },
  })
  const known = clause('ASC_NULLS_LAST')
  t.strictSame(ordered([known], { limit: 0 }), { rowLimit: 0, top: undefined })
  t.strictSame(ordered([known], { limit: -1 }), all, 'all rows are wanted, in an order')
  t.strictSame(ordered([known, clause('ASC')]), all)
  t.strictSame(ordered([known, clause('constructor')]), all)
  t.strictSame(ordered([known, { direction: 'ASC_NULLS_LAST' }]), all)
  t.strictSame(ordered([known], { expression: [{}] }), all, 'Athena drops rows first')
})

t.test('refuses expressions that are nested without end, or lack their parts', async (t) => {
  let nested: object = variable('a')
  for (let depth = 0; depth < 600; depth++) nested = call('$not', nested)
  t.throws(() => read(nested), { code: 'invalid_request' })
  t.throws(() => read(call('$in', variable('a'))), { code: 'invalid_request' })
  t.throws(() => read(call('$not')), { code: 'invalid_request' })
})
