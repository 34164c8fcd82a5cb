import { get } from 'node:http'
import { buffer } from 'node:stream/consumers'
import { gunzipSync } from 'node:zlib'
import { vectorFromArray, Float64 } from 'apache-arrow'
import t from 'tap'
import { defectsIn } from '../support/ask-table.ts'
import { goldenBytes } from '../support/columns-golden.ts'
import { startStack } from '../support/start-stack.ts'
import { longs, writeParquet } from '../support/write-parquet.ts'

// Seconds alone, more beside others.
t.setTimeout(180_000)

const stack = await startStack()
t.teardown(() => stack.close())
const { client, http } = stack
await client.makeBucket('shop')
const put = (key: string, bytes: Uint8Array) => client.putObject('shop', key, Buffer.from(bytes))
/** 200,000 rows of a counter and its half, in 20 row groups. */
const counter = Array.from({ length: 200_000 }, (_, row) => row)
const halves = vectorFromArray(
  counter.map((value) => value / 2),
  new Float64(),
)
const numbers = writeParquet(
  [
    ['n', longs(counter)],
    ['half', halves],
  ],
  { rowsPerGroup: 10_000 },
)
await put('tables/numbers/a.parquet', numbers)
await put('tables/wörter/day=2026-11-02/a.parquet', goldenBytes('one_row'))

const link = (query: Readonly<Record<string, string>>) =>
  `${http}/v1/read?${new URLSearchParams({ schema: 'shop', table: 'numbers', ...query }).toString()}`

async function textAt(url: string, headers: Record<string, string> = {}): Promise<string> {
  const response = await fetch(url, { headers })
  return response.text()
}

async function refusal(url: string, init?: RequestInit) {
  const response = await fetch(url, init)
  const { error } = (await response.json()) as { error: { code: string; message: string } }
  return { status: response.status, ...error }
}

t.test('schemas, tables and columns are listed', async (t) => {
  const ask = async (path: string) => JSON.parse(await textAt(`${http}${path}`)) as unknown
  t.match(await ask('/v1/schemas'), { schemas: ['shop'] })
  t.strictSame(await ask('/v1/schemas/SHOP/tables'), {
    schema: 'shop',
    tables: ['numbers', 'wörter'],
  })
  t.strictSame(await ask('/v1/schemas/shop/tables?pattern=n*&limit=5'), {
    schema: 'shop',
    tables: ['numbers'],
  })
  t.match(await ask('/v1/schemas/shop/tables/numbers'), {
    table: 'numbers',
    columns: [{ name: 'n', type: 'int64', partition: false }, { name: 'half' }],
    files: 1,
    bytes: numbers.length,
    rows: 200_000,
  })
  const path = `/v1/schemas/shop/tables/${encodeURIComponent('wörter')}`
  const { columns, partitions } = (await ask(path)) as { columns: object[]; partitions: number }
  t.equal(partitions, 1)
  t.match(columns.at(-1), { name: 'day', type: 'date(day)', partition: true })
})

t.test('a plan says what would be read', async (t) => {
  const body = JSON.stringify({
    schema: 'shop',
    table: 'numbers',
    filter: 'n < 15000',
    endpoints: 4,
  })
  const response = await fetch(`${http}/v1/plan`, { method: 'POST', body })
  const plan = (await response.json()) as { splits: { ticket: string; rowGroups: number }[] }
  t.match(plan, {
    rows: null,
    ledger: { rowGroupsKept: 2, rowGroupsDroppedByStatistics: 18 },
    columns: [{ name: 'n' }, { name: 'half' }],
  })
  t.equal(plan.splits.length, 2)
  t.ok(plan.splits.every(({ ticket, rowGroups }) => ticket.length > 50 && rowGroups === 1))
})

t.test('a link gives the rows that it asks for', async (t) => {
  const csv = await fetch(
    link({ format: 'csv', columns: 'half,n', filter: 'n % 1000 = 7', limit: '3' }),
  )
  t.equal(await csv.text(), 'half,n\r\n3.5,7\r\n503.5,1007\r\n1003.5,2007\r\n')
  t.equal(csv.headers.get('content-type'), 'text/csv; charset=utf-8')
  t.equal(csv.headers.get('content-disposition'), 'attachment; filename="numbers.csv"')
  const named = `${link({ filter: 'n = 5' })}&column=n`
  t.equal(await textAt(named, { accept: 'application/x-ndjson' }), '{"n":5}\n')
  t.equal(await textAt(link({ limit: '0', format: 'csv' })), 'n,half\r\n')
  t.equal(await textAt(link({ filter: 'n < 0', format: 'ndjson' })), '')
  const all = await textAt(link({ format: 'csv' }))
  t.equal(all.split('\r\n').length, 200_002)
  const other = await fetch(link({ table: 'wörter', format: 'csv' }))
  await other.body?.cancel()
  t.match(
    other.headers.get('content-disposition'),
    /filename="w_rter.csv"; filename\*=UTF-8''w%C3%B6rter.csv/,
  )
})

t.test('who asks for the head alone gets it, and no row is read for that', async (t) => {
  const rowsSent = async () =>
    Number(/^spillway_scan_rows_total (\d+)$/m.exec(await textAt(`${http}/metrics`))?.[1] ?? 0)
  const before = await rowsSent()
  const head = await fetch(link({ format: 'csv' }), { method: 'HEAD' })
  t.equal(head.status, 200)
  t.equal(head.headers.get('content-type'), 'text/csv; charset=utf-8')
  t.equal(head.headers.get('content-disposition'), 'attachment; filename="numbers.csv"')
  t.equal(head.headers.get('content-length'), null)
  t.equal((await fetch(link({ filter: 'm = 1' }), { method: 'HEAD' })).status, 400)
  t.equal((await fetch(link({ table: 'nothing' }), { method: 'HEAD' })).status, 404)
  t.equal(await rowsSent(), before)
})

t.test('text is compressed for those who take gzip, Arrow is not', async (t) => {
  const ask = (url: string) =>
    new Promise<{ encoding: string | undefined; bytes: Buffer }>((resolve, reject) => {
      get(url, { headers: { 'accept-encoding': 'br, gzip;q=0.5' } }, (answer) => {
        buffer(answer).then(
          (bytes) => resolve({ encoding: answer.headers['content-encoding'], bytes }),
          reject,
        )
      }).on('error', reject)
    })
  const csv = await ask(link({ format: 'csv' }))
  t.equal(csv.encoding, 'gzip')
  t.equal(
    gunzipSync(csv.bytes).toString(),
    await textAt(link({ format: 'csv' }), { 'accept-encoding': 'identity' }),
  )
  t.equal((await ask(link({ format: 'arrow', limit: '5' }))).encoding, undefined)
})

t.test('what is not understood is refused before the body', async (t) => {
  t.match(await refusal(link({ filter: 'm = 1' })), {
    status: 400,
    code: 'invalid_request',
    message: /line 1, column 1: there is no column "m", did you mean "n"\?/,
  })
  t.match(await refusal(link({ table: 'nothing' })), { status: 404, code: 'table_not_found' })
  t.match(await refusal(link({ format: 'xml' })), { status: 400, message: /no format "xml"/ })
  t.match(await refusal(link({ limit: '-1' })), { status: 400, message: /"limit" is "-1"/ })
  t.match(await refusal(link({ colums: 'n' })), { status: 400, message: /unknown member "colums"/ })
  t.match(await refusal(link({}), { headers: { accept: 'image/png' } }), { status: 400 })
  const post = (body: string) => refusal(`${http}/v1/read`, { method: 'POST', body })
  t.match(await post('{'), { status: 400, message: /not JSON/ })
  t.match(await post(''), { status: 400 })
  t.match(await post('['.repeat(500_000)), { status: 400, code: 'invalid_request' })
  t.match(await post(' '.repeat(1024 * 1024 + 1)), { status: 413, code: 'too_large' })
  const filter = '('.repeat(10_000)
  t.match(await post(JSON.stringify({ schema: 'shop', table: 'numbers', filter })), {
    status: 400,
    message: /nested deeper/,
  })
})

t.test('a file that breaks in the middle cuts the answer off', async (t) => {
  const broken = Buffer.from(numbers)
  broken.fill(0xff, Math.floor(numbers.length * 0.9), Math.floor(numbers.length * 0.95))
  await put('tables/broken/a.parquet', broken)
  for (const format of ['arrow', 'csv', 'ndjson']) {
    const response = await fetch(link({ table: 'broken', format }))
    t.equal(response.status, 200)
    await t.rejects(response.text(), `${format} ends with the connection`)
  }
})

t.test('a reader that leaves ends its scan', async (t) => {
  for (let time = 0; time < 20; time++) {
    const controller = new AbortController()
    const response = await fetch(link({ format: 'ndjson' }), { signal: controller.signal })
    await response.body?.getReader().read()
    controller.abort()
  }
  t.equal(await textAt(link({ format: 'csv', filter: 'n = 1' })), 'n,half\r\n1,0.5\r\n')
})

t.test('every call is counted by what became of it', async (t) => {
  const metrics = await textAt(`${http}/metrics`)
  const calls = (code: string) =>
    new RegExp(`^spillway_calls_total\\{method="GET /v1/read",code="${code}"\\} [1-9]`, 'm')
  for (const code of ['ok', 'invalid_request', 'table_not_found', 'unreadable_file', 'cancelled']) {
    t.match(metrics, calls(code), code)
  }
})

t.test('the routes are described', async (t) => {
  const { paths } = JSON.parse(await textAt(`${http}/openapi.json`)) as { paths: object }
  t.match(paths, {
    '/v1/schemas/{schema}/tables/{table}': {
      get: { parameters: [{ name: 'schema', in: 'path' }] },
    },
    '/v1/read': {
      get: { parameters: [{ name: 'schema', in: 'query', required: true }] },
      post: {
        requestBody: { required: true },
        responses: { 200: { content: { 'text/csv': {} } } },
      },
    },
    '/v1/plan': { post: {} },
    '/healthz': { get: {} },
    '/v1/quarantine': { get: {}, delete: {} },
  })
  t.match(await textAt(http), /<h1>Spillway<\/h1>/)
})

t.test('no cause of an error was a defect of ours', async (t) => {
  t.strictSame(defectsIn(stack), [])
})
