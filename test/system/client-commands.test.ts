import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { RecordBatchReader } from 'apache-arrow'
import t from 'tap'
import { goldenBytes } from '../support/columns-golden.ts'
import {
  testAuthority,
  testCertificate,
  testCertificateKey,
} from '../support/embedded-certificate.ts'
import { startStack } from '../support/start-stack.ts'
import { longs, writeParquet } from '../support/write-parquet.ts'

// Seconds alone, more beside others.
t.setTimeout(300_000)

const stack = await startStack()
t.teardown(() => stack.close())
const lake = t.testdir({ shop: { numbers: {}, strings: {}, large: {} } })
const counter = Array.from({ length: 1_000 }, (_, row) => row)
const large = Array.from({ length: 2_000_000 }, (_, row) => row)
await stack.client.makeBucket('shop')
for (const [name, bytes] of Object.entries({
  numbers: writeParquet([['n', longs(counter)]], { rowsPerGroup: 100 }),
  strings: Buffer.from(goldenBytes('strings')),
  large: writeParquet([['n', longs(large)]], { rowsPerGroup: 50_000 }),
})) {
  await stack.client.putObject('shop', `tables/${name}/a.parquet`, bytes)
  await mkdir(join(lake, 'shop', name), { recursive: true })
  await writeFile(join(lake, 'shop', name, 'a.parquet'), bytes)
}

const main = fileURLToPath(new URL('../../service/main.ts', import.meta.url))

function start(words: readonly string[]) {
  const arguments_ = ['--import=tsx', main, ...words]
  return spawn(process.execPath, arguments_, { stdio: ['ignore', 'pipe', 'pipe'] })
}

async function run(...words: string[]) {
  const child = start(words)
  const [stdout, stderr, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'close') as Promise<[number | null]>,
  ])
  return { code, stdout, stderr }
}

const origins = { gateway: ['--gateway', stack.grpc], folder: ['--local', lake] }

for (const [name, origin] of Object.entries(origins)) {
  t.test(`tables, their columns, plans and rows from a ${name}`, async (t) => {
    const tables = await run('tables', 'shop', ...origin)
    t.match(tables, { code: 0, stdout: 'shop.large\nshop.numbers\nshop.strings\n', stderr: '' })
    const described = await run('describe', 'shop.numbers', ...origin)
    t.match(
      described.stdout,
      /^column  type   null\n.*\nn       int64  yes\n\(1 column, 1,000 rows, 1 file of /,
    )
    const plan = await run('plan', 'shop.numbers', '--where', 'n >= 950', ...origin)
    t.match(plan.stdout, /read: 1 row group with 100 rows in 1 file/)
    t.match(plan.stdout, /9 row groups: statistics rule the filter out/)
    const csv = await run('read', 'shop.numbers', '--where', 'n % 400 = 1', ...origin)
    t.match(csv, { code: 0, stdout: 'n\r\n1\r\n401\r\n801\r\n', stderr: '' })
    const json = await run('read', 'shop.numbers', '--limit', '2', '--format', 'json', ...origin)
    t.equal(json.stdout, '{"n":0}\n{"n":1}\n')
    const table = await run('read', 'shop.numbers', '--format', 'table', '--limit', '2', ...origin)
    t.equal(table.stdout, '    n\nint64\n─────\n    0\n    1\n(2 rows)\n')
    const first = await run('read', 'shop.numbers', '--format', 'table', ...origin)
    t.match(first.stdout, /\n   99\n\(the first 100 rows; --limit asks for more\)\n$/)
  })

  t.test(`a file that appears when it is whole, from a ${name}`, async (t) => {
    const folder = t.testdir()
    const file = join(folder, 'numbers.arrows')
    const options = ['--format', 'arrow', '--output', file]
    t.match(await run('read', 'shop.large', ...options, ...origin), { code: 0, stdout: '' })
    const batches = [...RecordBatchReader.from(readFileSync(file))]
    t.equal(
      batches.reduce((sum, { numRows }) => sum + numRows, 0),
      large.length,
    )
    t.strictSame(readdirSync(folder), ['numbers.arrows'])
  })

  t.test(`what fails is exit code 1 and one line, from a ${name}`, async (t) => {
    const folder = t.testdir()
    const file = join(folder, 'a.csv')
    t.match(await run('read', 'shop.nothing', '--output', file, ...origin), {
      code: 1,
      stdout: '',
      stderr: 'spillway: table_not_found: there is no table shop.nothing\n',
    })
    t.match(await run('read', 'shop.numbers', '--where', 'm = 1', ...origin), {
      code: 1,
      stderr: /^spillway: invalid_request: filter, line 1, column 1: there is no column "m"/,
    })
    t.match(await run('read', 'shop.numbers', '--output', join(folder, 'no', 'a.csv'), ...origin), {
      code: 1,
      stderr: /cannot be written/,
    })
    t.strictSame(readdirSync(folder), [])
  })

  t.test(`Ctrl-C is exit code 130 and no file, from a ${name}`, async (t) => {
    const folder = t.testdir()
    const child = start(['read', 'shop.large', '--output', join(folder, 'a.csv'), ...origin])
    const closed = once(child, 'close')
    const isBegun = () => readdirSync(folder).some((one) => statSync(join(folder, one)).size > 0)
    while (!isBegun() && child.exitCode === null)
      await new Promise((resolve) => setTimeout(resolve, 5))
    child.kill('SIGINT')
    t.strictSame(await closed, [130, null])
    t.strictSame(readdirSync(folder), [])
  })

  t.test(`a reader of the pipe that has enough ends it quietly, from a ${name}`, async (t) => {
    const child = start(['read', 'shop.large', ...origin])
    const closed = once(child, 'close')
    const errors = text(child.stderr)
    await once(child.stdout, 'data')
    child.stdout.destroy()
    t.strictSame(await closed, [0, null])
    t.equal(await errors, '')
  })
}

/** Of util-linux: gives a command a terminal. */
const scriptVersion = spawnSync('script', ['--version'], { encoding: 'utf8' })
const hasScript = scriptVersion.error === undefined && scriptVersion.stdout.includes('util-linux')

for (const [name, origin] of Object.entries(origins)) {
  t.test(
    `who watches a terminal sees a line of progress, from a ${name}`,
    { skip: !hasScript && 'util-linux (script) is not installed' },
    async (t) => {
      const folder = t.testdir()
      const file = join(folder, 'a.csv')
      const words = ['read', 'shop.large', '--output', file, ...origin]
      const command = [process.execPath, '--import=tsx', main, ...words].join(' ')
      const child = spawn('script', ['--quiet', '--return', '--command', command, '/dev/null'], {
        stdio: ['ignore', 'pipe', 'inherit'],
      })
      const [shown, [code]] = await Promise.all([
        text(child.stdout),
        once(child, 'close') as Promise<[number | null]>,
      ])
      t.equal(code, 0)
      const lines = shown.split('\r\u001B[K')
      const line =
        /^[\d,]+ of 2,000,000 rows, [\d.]+ [KM]?i?B, [\d.]+ [KM]?i?B\/s, (\d+) of 40 row groups done$/
      const done = lines.flatMap((one) => line.exec(one)?.[1] ?? []).map(Number)
      t.ok(done.length > 0, 'at least one line')
      t.strictSame(
        done,
        done.toSorted((a, b) => a - b),
      )
      t.equal(lines.at(-1), '', 'the line is taken away')
      t.equal(readFileSync(file, 'latin1').split('\r\n').length, large.length + 2)
    },
  )
}

t.test('a gateway that is not there, and a folder that is none', async (t) => {
  t.match(await run('tables', '--gateway', '127.0.0.1:1'), {
    code: 1,
    stderr: /^spillway: unavailable: 127.0.0.1:1 does not answer/,
  })
  t.match(await run('tables', '--local', join(lake, 'nowhere')), {
    code: 1,
    stderr: /nowhere is no folder\n$/,
  })
  t.notOk(existsSync(join(lake, 'nowhere')))
})

t.test('a gateway over TLS, trusted by its own authority alone', async (t) => {
  const folder = t.testdir({
    'ca.pem': testAuthority,
    'cert.pem': testCertificate,
    'key.pem': testCertificateKey,
  })
  const secure = await startStack({
    store: stack.store,
    gateway: {
      SPILLWAY_TLS_CERT_FILE: join(folder, 'cert.pem'),
      SPILLWAY_TLS_KEY_FILE: join(folder, 'key.pem'),
    },
  })
  t.teardown(() => secure.close())
  const words = ['read', 'shop.numbers', '--limit', '1', '--gateway', secure.grpc]
  t.match(await run(...words, '--tls-ca', join(folder, 'ca.pem')), {
    code: 0,
    stdout: 'n\r\n0\r\n',
  })
  t.match(await run(...words, '--tls'), { code: 1, stderr: /does not answer/ })
  t.match(await run(...words, '--tls-ca', join(folder, 'no.pem')), {
    code: 1,
    stderr: /no.pem cannot be read/,
  })
})

t.test('wrong usage is exit code 2, help is 0', async (t) => {
  t.match(await run('read'), {
    code: 2,
    stdout: '',
    stderr: /needs a table[^]*usage: spillway read/,
  })
  for (const command of ['tables', 'describe', 'plan', 'read']) {
    const { code, stdout } = await run(command, '--help')
    t.equal(code, 0)
    t.match(stdout, `usage: spillway ${command}`)
  }
})
