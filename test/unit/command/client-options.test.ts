import t from 'tap'
import type { ClientCommand } from '../../../service/command/client-options.ts'
import { clientOptions, UsageError } from '../../../service/command/client-options.ts'

const options = (command: ClientCommand, words: string, env = {}) =>
  clientOptions(command, words.split(' '), env)

t.test('a request and where to ask it', async (t) => {
  const read = clientOptions(
    'read',
    [
      'my.bucket.sales',
      '--columns',
      'a, b',
      '--where',
      'a > 1',
      '--limit',
      '5',
      '--format',
      'json',
    ],
    {},
  )
  t.strictSame(read.request, {
    table: { schema: 'my.bucket', table: 'sales' },
    columns: ['a', 'b'],
    filter: 'a > 1',
    limit: 5,
  })
  t.match(read, { format: 'json', outputFile: undefined })
  t.match(read.origin, { kind: 'gateway', address: '127.0.0.1:8815', tls: undefined })
  t.match(options('tables', 'shop --local /data'), {
    schema: 'shop',
    origin: { kind: 'folder', folder: '/data' },
  })
})

t.test('the gateway is named by option, else by environment', async (t) => {
  const env = { SPILLWAY_GATEWAY: 'https://lake:443', SPILLWAY_TOKEN: 'secret' }
  t.match(options('plan', 's.t', env).origin, {
    address: 'lake:443',
    token: 'secret',
    tls: { authorityFile: undefined },
  })
  const given = options('plan', 's.t --gateway other:1 --token t --tls-ca ca.pem', env).origin
  t.match(given, { address: 'other:1', token: 't', tls: { authorityFile: 'ca.pem' } })
})

t.test('what is not understood is said', async (t) => {
  const wrong: readonly (readonly [ClientCommand, string, RegExp])[] = [
    ['read', 'sales', /"sales" is no table; write SCHEMA.TABLE/],
    ['read', 's.t more', /read does not know more/],
    ['read', 's.t --limit -1', /limit/],
    ['read', 's.t --limit many', /--limit is many, expected a number/],
    ['read', 's.t --format xml', /--format is xml, expected table, csv, json, arrow/],
    ['read', 's.t --endpoints 4', /unknown option '--endpoints'/],
    ['tables', '--where x', /unknown option '--where'/],
    ['plan', 's.t --local d --gateway h:1', /exclude one another/],
    ['plan', 's.t --gateway lake', /expected HOST:PORT/],
  ]
  for (const [command, words, message] of wrong) {
    t.throws(() => options(command, words), { constructor: UsageError, message }, words)
  }
  t.throws(() => clientOptions('describe', [], {}), {
    message: 'describe needs a table, as SCHEMA.TABLE',
  })
})
