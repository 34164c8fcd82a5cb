import t from 'tap'
import { answerFormat, takesGzip } from '../../../service/http/answer-format.ts'
import { requestOfParameters } from '../../../service/http/read-parameters.ts'

t.test('the format is the named one, else the most wanted, else Arrow', async (t) => {
  t.equal(answerFormat('csv', 'application/x-ndjson'), 'csv')
  t.equal(answerFormat(undefined, undefined), 'arrow')
  t.equal(answerFormat(undefined, '*/*'), 'arrow')
  t.equal(answerFormat(undefined, 'text/html,application/xml;q=0.9,*/*;q=0.8'), 'arrow')
  t.equal(answerFormat(undefined, 'text/csv;q=0.5, application/x-ndjson'), 'ndjson')
  t.equal(answerFormat(undefined, 'TEXT/CSV; header=present, */*;q=0.1'), 'csv')
  t.equal(answerFormat(undefined, 'text/*'), 'csv')
  t.throws(() => answerFormat(undefined, 'text/csv;q=0'), { code: 'invalid_request' })
  t.throws(() => answerFormat('xlsx', undefined), {
    message: /no format "xlsx"; there are arrow, csv, ndjson/,
  })
})

t.test('gzip is for those who take it', async (t) => {
  t.ok(takesGzip('gzip, br'))
  t.ok(takesGzip('*'))
  t.notOk(takesGzip('gzip;q=0, *'))
  t.ok(takesGzip('gzip;q=0.5, *;q=0'))
  for (const header of [undefined, '', 'br', 'gzip;q=0', 'identity'])
    t.notOk(takesGzip(header), header ?? 'no header')
})

t.test('a link is a request', async (t) => {
  const table = { schema: 's', table: 't' }
  t.strictSame(requestOfParameters({ ...table, format: 'csv', columns: 'a,b', limit: '10' }), {
    table,
    columns: ['a', 'b'],
    limit: 10,
  })
  const repeated = requestOfParameters({ ...table, columns: ['a', 'b,c'], column: ['d,e', 'f'] })
  t.strictSame(repeated.columns, ['a', 'b', 'c', 'd,e', 'f'])
  for (const wrong of [
    { limit: '1e3' },
    { limit: ['1', '2'] },
    { filter: ['a', 'b'] },
    { other: 'x' },
  ]) {
    t.throws(() => requestOfParameters({ ...table, ...wrong }), { code: 'invalid_request' })
  }
})
