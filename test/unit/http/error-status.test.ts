import { readFileSync } from 'node:fs'
import t from 'tap'
import { errorCodes, GatewayError } from '../../../service/errors.ts'
import { errorBody, httpStatus } from '../../../service/http/error-status.ts'

t.test('every code has the HTTP status of the published table', async (t) => {
  const page = readFileSync(new URL('../../../README.md', import.meta.url), 'utf8')
  const rows = page.matchAll(/^\| `(\w+)` +\| \w+ +\| (\d+) +\| [A-Z_]+ +\|/gm)
  const documented = [...rows].map(([, code = '', http]) => [code, Number(http)])
  t.strictSame(Object.entries(httpStatus), documented)
  t.strictSame(Object.keys(httpStatus), Object.keys(errorCodes))
})

t.test('the body has code, message and what to do, and not the cause', async (t) => {
  const error = new GatewayError('object_changed', 'lake/a.parquet changed; plan again', {
    cause: new Error('secret'),
  })
  t.strictSame(JSON.parse(JSON.stringify(errorBody(error))), {
    error: {
      code: 'object_changed',
      message: 'lake/a.parquet changed; plan again',
      retry: 'replan',
    },
  })
})
