import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import type { Caller } from '../../../service/credentials/caller.ts'
import { parseCallersFile } from '../../../service/credentials/callers-file.ts'
import { GatewayError } from '../../../service/errors.ts'

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex')

function only(text: string): Caller {
  const { callers } = parseCallersFile(text, 'callers.yaml')
  const [known] = callers
  if (known === undefined) throw new Error('no caller')
  return known.caller
}

/** The problems of a text, without the file's name before each. */
function problemsOf(text: string): readonly string[] {
  try {
    parseCallersFile(text, '/etc/callers.yaml')
    return []
  } catch (error) {
    if (!(error instanceof GatewayError) || error.code !== 'invalid_request') throw error
    return error.message.split('\n  /etc/callers.yaml: ').slice(1)
  }
}

t.test('YAML and JSON say the same', async (t) => {
  const yaml = `
roles:
  analysts:
    tables:
      - { schema: 'sales*', table: '*', columns: { deny: [email, '*_ssn'] }, rows: "region = 'EU'" }
    limits: { streams: 8, bytesInFlight: 64MiB, rowsPerSecond: 0 }
callers:
  - name: athena
    roles: [analysts]
    tokens: [{ sha256: '${sha256('a')}', expires: 2027-01-01 }]
    certificates: ['DNS:etl.example.com', 'URI:spiffe://lake/etl']
issuers:
  - { issuer: 'https://idp.example', audience: spillway, jwks: 'https://idp.example/keys',
      claim: groups, callers: { etl: athena } }
`
  const json = JSON.stringify({
    roles: {
      analysts: {
        tables: [
          {
            schema: 'sales*',
            table: '*',
            columns: { deny: ['email', '*_ssn'] },
            rows: "region = 'EU'",
          },
        ],
        limits: { streams: 8, bytesInFlight: 64 << 20 },
      },
    },
    callers: [
      {
        name: 'athena',
        roles: ['analysts'],
        tokens: [{ sha256: sha256('a').toUpperCase(), expires: '2027-01-01T00:00:00Z' }],
        certificates: ['DNS:etl.example.com', 'URI:spiffe://lake/etl'],
      },
    ],
    issuers: [
      {
        issuer: 'https://idp.example',
        audience: 'spillway',
        jwks: 'https://idp.example/keys',
        claim: 'groups',
        callers: { etl: 'athena' },
      },
    ],
  })
  const parsed = [yaml, json].map((text) => parseCallersFile(text, 'callers.yaml'))
  for (const { callers, issuers } of parsed) {
    t.match(callers, [
      {
        caller: {
          name: 'athena',
          isOperator: false,
          limits: { streamsMax: 8, bytesInFlightMax: 64 << 20 },
        },
        tokens: [{ digest: Buffer.from(sha256('a'), 'hex'), endsMs: Date.UTC(2027, 0, 1) }],
        certificates: ['DNS:etl.example.com', 'URI:spiffe://lake/etl'],
      },
    ])
    t.notOk('rowsPerSecondMax' in (callers[0]?.caller.limits ?? {}), 'zero is off')
    t.strictSame(issuers[0]?.callers, new Map([['etl', 'athena']]))
  }
  const [one, other] = parsed.map(({ callers }) =>
    callers[0]?.caller.rights.ofTable({ schema: 'sales', table: 'orders' }),
  )
  t.strictSame(one?.digest, other?.digest)
})

t.test('the first entry that matches a table decides alone', async (t) => {
  const { rights } = only(`
roles:
  narrow: { tables: [{ schema: sales, table: o?ders, columns: { allow: [id, 'to*'] }, rows: "id > 1" }] }
  wide:
    tables:
      - { schema: sales, table: secrets, hidden: true }
      - { schema: 'sales*', table: '*', columns: { deny: [Email] } }
callers: [{ name: a, roles: [narrow, wide] }]
`)
  const orders = rights.ofTable({ schema: 'SALES', table: 'Orders' })
  t.equal(orders?.rowFilter, 'id > 1')
  t.strictSame(
    ['ID', 'total', 'email', 'note'].map((name) => orders?.seesColumn(name)),
    [true, true, false, false],
  )
  const other = rights.ofTable({ schema: 'sales_eu', table: 'orders' })
  t.equal(other?.rowFilter, undefined)
  t.strictSame(
    ['id', 'EMAIL'].map((name) => other?.seesColumn(name)),
    [true, false],
  )
  t.equal(rights.ofTable({ schema: 'sales', table: 'secrets' }), undefined, 'hidden')
  t.equal(rights.ofTable({ schema: 'hr', table: 'orders' }), undefined, 'of no entry')
  t.strictSame(['sales', 'SALES_EU', 'hr', 'my_sales'].map(rights.seesSchema), [
    true,
    true,
    false,
    false,
  ])
  t.strictSame([orders?.isWhole, other?.isWhole], [false, false])
})

t.test('the digest differs where anything of the rights does', async (t) => {
  const digestOf = (entry: string) => {
    const { rights } = only(
      `{ roles: { r: { tables: [{ schema: s, table: t${entry} }] } }, callers: [{ name: a, roles: [r] }] }`,
    )
    const found = rights.ofTable({ schema: 's', table: 't' })
    return Buffer.from(found?.digest ?? []).toString('hex')
  }
  const entries = [
    '',
    ', rows: "a = 1"',
    ', rows: "a = 2"',
    ', columns: { allow: [a] }',
    ', columns: { deny: [a] }',
    ', columns: { deny: [a, b] }',
    ', columns: { deny: ["a,b"] }',
    ', columns: { allow: [a] }, rows: "a = 1"',
  ]
  const digests = entries.map(digestOf)
  t.equal(new Set(digests).size, entries.length)
  t.strictSame(entries.map(digestOf), digests)
  t.match(digests[0], /^[0-9a-f]{16}$/)
})

t.test('of two roles the smaller limit counts, and any may make an operator', async (t) => {
  const caller = only(`
roles:
  one: { limits: { streams: 8, bytesInFlight: 1GiB } }
  two: { limits: { streams: 20, bytesInFlight: 64MiB, rowsPerSecond: 1000 }, operator: true }
callers: [{ name: a, roles: [one, two] }]
`)
  t.strictSame(caller.limits, {
    streamsMax: 8,
    bytesInFlightMax: 64 << 20,
    rowsPerSecondMax: 1000,
  })
  t.equal(caller.isOperator, true)
  t.notOk(caller.rights.seesSchema('anything'), 'a role without tables sees none')
})

t.test('all problems are told at once, each with its path', async (t) => {
  const problems = problemsOf(`
roles:
  r:
    tables:
      - { table: t, colums: [a] }
      - { schema: s, table: t, columns: { allow: [a], deny: [b] }, rows: 7 }
    limits: { streams: 0, bytesInFlight: lots }
    operator: maybe
callers:
  - { name: 'a:b', roles: [x], tokens: [{ sha256: canary-token, expires: soon }] }
  - { name: c, roles: r, certificates: [etl.example.com] }
issuers:
  - { issuer: i, jwks: 'http://elsewhere/keys', callers: { x: nobody } }
owner: me
`)
  const paths = problems.map((problem) => problem.split(':')[0])
  t.strictSame(
    paths.toSorted((left = '', right = '') => (left < right ? -1 : 1)),
    [
      'callers[0].name',
      'callers[0].roles[0]',
      'callers[0].tokens[0].expires',
      'callers[0].tokens[0].sha256',
      'callers[1].certificates[0]',
      'callers[1].roles',
      'issuers[0].audience',
      'issuers[0].callers.x',
      'issuers[0].jwks',
      'owner',
      'roles.r.limits.bytesInFlight',
      'roles.r.limits.streams',
      'roles.r.operator',
      'roles.r.tables[0].colums',
      'roles.r.tables[0].schema',
      'roles.r.tables[1].columns',
      'roles.r.tables[1].rows',
    ],
  )
  for (const problem of problems) t.match(problem, /expected /)
  t.notMatch(problems.join('\n'), /canary/, 'what may be a token is not told')
})

t.test('a rule without a value is a problem, not no rule', async (t) => {
  const entry = (rule: string) =>
    problemsOf(`
roles:
  r: { tables: [{ schema: s, table: t, ${rule} }] }
callers: [{ name: a, roles: [r] }]
issuers:
`)
  t.strictSame(entry('hidden: false'), [])
  for (const rule of ['rows', 'columns', 'hidden', 'columns: { allow }', 'columns: { deny }']) {
    const [path = ''] = rule.split(': {')
    t.match(
      entry(rule),
      [new RegExp(`^roles\\.r\\.tables\\[0\\]\\.${path}.*: got null, expected`)],
      rule,
    )
  }
  const token = `{ sha256: '${sha256('a')}', expires }`
  t.match(problemsOf(`callers: [{ name: a, tokens: [${token}] }]`), [/expires: got null/])
  t.match(problemsOf('roles: { r: { limits: } }'), [/limits: got null/])
  t.strictSame(problemsOf('callers:\nroles:\n'), [])
})

t.test('names may be numbers, as YAML has them', async (t) => {
  const { callers, issuers } = parseCallersFile(
    `
roles: { 1: { operator: true } }
callers: [{ name: a, roles: ['1'] }]
issuers: [{ issuer: i, audience: a, jwks: keys.json, callers: { 1001: a, true: a } }]
`,
    'callers.yaml',
  )
  t.equal(callers[0]?.caller.isOperator, true)
  t.strictSame([...(issuers[0]?.callers?.keys() ?? [])], ['1001', 'true'])
})

t.test('what names one caller does not name another', async (t) => {
  const token = `{ sha256: '${sha256('same')}' }`
  t.strictSame(
    problemsOf(`
callers:
  - { name: a, tokens: [${token}], certificates: ['DNS:Etl.example'] }
  - { name: a, tokens: [${token}], certificates: ['DNS:etl.example'] }
`),
    [
      'callers[1].name: the same name as callers[0].name',
      'callers[1].tokens[0]: the same token as callers[0].tokens[0]',
      'callers[1].certificates[0]: the same certificate as callers[0].certificates[0]',
    ],
  )
})

t.test('what is no document says where, in no words of the file', async (t) => {
  t.match(problemsOf('callers: [canary'), [/^line \d+, column \d+: not YAML \([a-z ]+\)$/])
  t.match(problemsOf('a: 1\na: 2'), [/^line 2, column 1: not YAML \(duplicate key\)/])
  t.match(problemsOf('a: &x [1]\nb: [*x, *x]'), [/aliases/])
  t.match(problemsOf('- 1'), [/^the file: got a list, expected a map/])
  t.match(problemsOf(''), [/^the file: missing, expected a map/])
  t.match(problemsOf('__proto__: { polluted: 1 }\n'), [/^__proto__: no such member/])
  t.match(problemsOf('[[[['.repeat(100)), [/not YAML/])
})

t.test('the examples are good', async (t) => {
  const root = join(import.meta.dirname, '../../..')
  const readme = await readFile(join(root, 'README.md'), 'utf8')
  const [, inReadme = ''] = /## Callers[^]*?```yaml\n([^]*?)```/.exec(readme) ?? []
  const example = await readFile(join(root, 'deploy/examples/callers.yaml'), 'utf8')
  for (const text of [inReadme, example]) {
    const { callers, issuers } = parseCallersFile(text, 'callers.yaml')
    t.ok(callers.length > 0 && issuers.length > 0)
    const [analyst] = callers.filter(({ roles }) => roles.includes('analysts'))
    const orders = analyst?.caller.rights.ofTable({ schema: 'sales', table: 'orders' })
    t.equal(orders?.rowFilter, "region = 'EU'")
    t.equal(orders?.seesColumn('home_SSN'), false)
    t.equal(analyst?.caller.rights.ofTable({ schema: 'sales', table: 'payroll' }), undefined)
  }
})

t.test('roles too long for a session policy are named, where sessions are asked for', async (t) => {
  const scope = { bucketPrefix: '', tablesPath: 'tables' }
  const textOf = (count: number) => {
    const tables = Array.from(
      { length: count },
      (_, at) => `{ schema: sales, table: orders_${at} }`,
    )
    return `
roles: { few: { tables: [{ schema: hr, table: '*' }] }, many: { tables: [${tables.join(', ')}] } }
callers: [{ name: ann, roles: [few, many] }, { name: bob, roles: [few] }]
`
  }
  const [ann, bob] = parseCallersFile(textOf(30), 'c.yaml', scope).callers
  t.match(ann?.caller.sessionPolicy, /sales\/tables\/orders_29\/\*/)
  t.notMatch(bob?.caller.sessionPolicy, /sales/)
  t.throws(() => parseCallersFile(textOf(50), 'c.yaml', scope), {
    code: 'invalid_request',
    message:
      /1 problem.*\n {2}c\.yaml: callers\[0\]\.roles: got .*fewer or shorter entries in few, many: their session policy has 2\d{3} characters, an STS takes 2048/,
  })
  const [without] = parseCallersFile(textOf(50), 'c.yaml').callers
  t.equal(without?.caller.sessionPolicy, undefined)
})
