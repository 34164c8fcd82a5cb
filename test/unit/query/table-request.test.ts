import t from 'tap'
import {
  parseTableRequest,
  readTableRequest,
  REQUEST_BYTES_MAX,
} from '../../../service/query/table-request.ts'

const orders = { schema: 'lake', table: 'orders' }

t.test('a request names a table, and says what of it', async (t) => {
  t.strictSame(readTableRequest(orders), { table: orders })
  const whole = {
    ...orders,
    columns: ['id', 'Größe'],
    filter: 'id > 5',
    limit: 0,
    endpoints: 4,
  }
  const expected = {
    columns: ['id', 'Größe'],
    filter: 'id > 5',
    limit: 0,
    endpoints: 4,
    table: orders,
  }
  t.strictSame(readTableRequest(whole), expected)
  t.strictSame(parseTableRequest(Buffer.from(JSON.stringify(whole))), expected)
})

const refused: readonly (readonly [title: string, value: unknown, message: RegExp])[] = [
  ['no object', [1, 2], /the request is \[1,2\], expected an object/],
  ['null', null, /the request is null/],
  ['nothing', undefined, /the request is nothing/],
  ['no table', { schema: 'a' }, /"table" is missing, expected a name/],
  ['an empty name', { schema: '', table: 'b' }, /"schema" is "", expected a name/],
  ['a name of another type', { schema: 'a', table: 5 }, /"table" is 5/],
  ['an endless name', { schema: 'a'.repeat(2000), table: 'b' }, /"schema" is "a+…/],
  ['a slip in a member', { ...orders, fliter: 'x' }, /unknown member "fliter"; known are schema/],
  ['no columns', { ...orders, columns: [] }, /"columns" is \[\], expected an array/],
  ['columns as text', { ...orders, columns: 'id' }, /"columns" is "id"/],
  ['columns of numbers', { ...orders, columns: ['a', 1] }, /"columns" is \["a",1\]/],
  ['a filter of another type', { ...orders, filter: 5 }, /"filter" is 5, expected a SQL/],
  ['an empty filter', { ...orders, filter: '  ' }, /"filter" is "  "/],
  ['a negative limit', { ...orders, limit: -1 }, /"limit" is -1, expected an integer from 0/],
  ['half a row', { ...orders, limit: 1.5 }, /"limit" is 1.5/],
  ['a limit as text', { ...orders, limit: 'ten' }, /"limit" is "ten"/],
  ['a null limit', { ...orders, limit: null }, /"limit" is null/],
  ['no endpoints', { ...orders, endpoints: 0 }, /"endpoints" is 0, expected .* from 1 to 256/],
  ['too many endpoints', { ...orders, endpoints: 257 }, /"endpoints" is 257/],
]

for (const [title, value, message] of refused) {
  t.test(`${title} is refused by name`, async (t) => {
    t.throws(() => readTableRequest(value), { code: 'invalid_request', message })
  })
}

t.test('a member called __proto__ is unknown', async (t) => {
  const json = Buffer.from('{"schema":"a","table":"b","__proto__":{"limit":5}}')
  t.throws(() => parseTableRequest(json), { code: 'invalid_request', message: /"__proto__"/ })
})

t.test('bytes that are no JSON are refused', async (t) => {
  const texts = ['', '{"schema": "a", "table": ', '{"schema":1}x', '['.repeat(200_000)]
  const bytes = [...texts.map((text) => Buffer.from(text)), Buffer.from([0x22, 0xff, 0xfe, 0x22])]
  for (const json of bytes) {
    t.throws(() => parseTableRequest(json), { code: 'invalid_request', message: /is not JSON/ })
  }
})

t.test('what is too long is not even parsed', async (t) => {
  const json = Buffer.alloc(REQUEST_BYTES_MAX + 1, ' ')
  t.throws(() => parseTableRequest(json), { code: 'too_large', message: /1048577 bytes/ })
  const filter = 'ä'.repeat(REQUEST_BYTES_MAX / 2 + 1)
  t.throws(() => readTableRequest({ ...orders, filter }), { code: 'too_large' })
  const columns = Array.from({ length: 65_537 }, String)
  t.throws(() => readTableRequest({ ...orders, columns }), { code: 'too_large' })
})
