import { once } from 'node:events'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import t from 'tap'
import { Federation } from '../../proto/gen/spillway/v1/federation_pb.ts'
import { failureOf, federationClient, readAll } from '../support/federation-client.ts'
import { freePort } from '../support/free-port.ts'
import { largeFile } from '../support/large-table.ts'
import {
  gatewaySettings,
  runGatewayCommand,
  startGatewayProcess,
} from '../support/start-gateway-process.ts'
import { minioBinary, startMinio } from '../support/start-minio.ts'
import { storeClient } from '../support/store-client.ts'

const nowhere = { url: 'http://127.0.0.1:9', accessKey: 'nobody', secretKey: 'secret-of-nobody' }
const isSkipped = minioBinary() === undefined && 'there is no minio binary: NOT TESTED'

t.setTimeout(180_000)

t.test('serve says where it listens in one line of JSON, and ends well', async (t) => {
  const gateway = await startGatewayProcess(gatewaySettings(nowhere))
  t.teardown(() => gateway.stop())
  const lines = gateway.log.filter(({ msg }) => msg === 'listening')
  t.equal(lines.length, 1)
  t.match(lines[0], {
    level: 30,
    http: /^http:\/\/127\.0\.0\.1:[1-9]\d*$/,
    grpc: /^127\.0\.0\.1:[1-9]\d*$/,
  })
  t.strictSame(await answerOf(`${gateway.http}/healthz`), {
    status: 200,
    body: { status: 'alive' },
  })
  t.equal(await gateway.stop(), 0)
  t.strictSame(
    gateway.log.slice(-2).map(({ msg }) => msg),
    ['draining', 'closed'],
  )
  t.equal(gateway.errorText(), '')
})

t.test('a store that cannot be reached makes it unready, not dead', async (t) => {
  const gateway = await startGatewayProcess(gatewaySettings(nowhere))
  t.teardown(() => gateway.stop())
  const client = federationClient(gateway.grpc)
  t.teardown(() => client.close())
  t.match(await answerOf(`${gateway.http}/readyz`), {
    status: 503,
    body: unready(new RegExp(nowhere.url)),
  })
  t.match(await failureOf(client.call(Federation.method.listSchemas, {})), {
    status: 14,
    code: 'unavailable',
    details: new RegExp(`^unavailable: .*${nowhere.url}`),
  })
  t.equal((await answerOf(`${gateway.http}/healthz`)).status, 200)
  t.equal(await client.health(), 'SERVING', 'the process takes calls')
  t.notMatch(JSON.stringify(gateway.log), nowhere.secretKey)
})

t.test('every wrong setting is told at once, with exit code 2', async (t) => {
  const { code, stdout, stderr } = await runGatewayCommand(['serve'], {
    SPILLWAY_STORE_URL: 'ftp://somebody:password@host',
    SPILLWAY_STORE_ACCESS_KEY: 'half of a pair',
    SPILLWAY_HTTP_ADDRESS: '0.0.0.0:8080',
    SPILLWAY_GRPC_ADDRESS: 'nonsense',
    SPILLWAY_TICKET_KEYS: 'too-short-a-key',
    SPILLWAY_LISTING_TTL: '2 fortnights',
    SPILLWAY_WORKERS: '-1',
    SPILLWAY_SPLIT_BYTES: '12 MB',
    SPILLWAY_LOG_LEVEL: 'loud',
    SPILLWAY_TLS_CLIENT_CA_FILE: '/ca.pem',
    SPILLWAY_LISTNG_TTL: '2s',
    SCHEME: 'gopher',
  })
  t.equal(code, 2)
  t.equal(stdout, '')
  const [first, ...problems] = stderr.trimEnd().split('\n')
  t.equal(first, `spillway: ${problems.length} wrong setting(s):`)
  const names = problems.map((problem) => /^ {2}([A-Z_]+): /.exec(problem)?.[1] ?? problem)
  t.strictSame(names.toSorted(compareText), [
    'SCHEME',
    'SPILLWAY_GRPC_ADDRESS',
    'SPILLWAY_HTTP_ADDRESS',
    'SPILLWAY_LISTING_TTL',
    'SPILLWAY_LISTNG_TTL',
    'SPILLWAY_LOG_LEVEL',
    'SPILLWAY_SPLIT_BYTES',
    'SPILLWAY_STORE_ACCESS_KEY',
    'SPILLWAY_STORE_URL',
    'SPILLWAY_TICKET_KEYS',
    'SPILLWAY_TLS_CLIENT_CA_FILE',
    'SPILLWAY_WORKERS',
  ])
  t.match(stderr, 'did you mean SPILLWAY_LISTING_TTL?')
  t.notMatch(stderr, /password|too-short-a-key/, 'secrets are not repeated')
})

t.test(
  'a callers file that is wrong from the start is exit code 2 and names every problem',
  async (t) => {
    const file = join(
      t.testdir({ 'callers.yaml': 'roles: { reader: { tables: [{ schema: a }] } }\nfoo: 1\n' }),
      'callers.yaml',
    )
    const settings = gatewaySettings(nowhere, { SPILLWAY_CALLERS_FILE: file })
    const { code, stdout } = await runGatewayCommand(['serve'], settings)
    t.equal(code, 2)
    const { msg } = JSON.parse(stdout.trimEnd().split('\n').at(-1) ?? '')
    t.match(msg, `${file}: foo: `)
    t.match(msg, `${file}: roles.reader.tables[0].table: missing`)
  },
)

t.test('a port that is taken is exit code 1 and one line that names it', async (t) => {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => void server.close())
  const address = `127.0.0.1:${(server.address() as AddressInfo).port}`
  for (const name of ['SPILLWAY_HTTP_ADDRESS', 'SPILLWAY_GRPC_ADDRESS']) {
    const { code, stdout } = await runGatewayCommand(
      ['serve'],
      gatewaySettings(nowhere, { [name]: address }),
    )
    t.equal(code, 1, name)
    t.match(JSON.parse(stdout.trimEnd().split('\n').at(-1) ?? ''), {
      level: 60,
      code: 'unavailable',
      msg: new RegExp(`^cannot listen on ${address}: `),
    })
  }
})

t.test('serve over a real MinIO', { skip: isSkipped, timeout: 120_000 }, async (t) => {
  const port = await freePort()
  let minio = await startMinio({ port })
  t.teardown(() => minio.stop())
  const client = storeClient(minio)
  await client.makeBucket('lake')
  const { bytes, rowCount } = largeFile({ seed: 1, rowCount: 10_000, rowsPerGroup: 2_500 })
  await client.putObject('lake', 'tables/orders/1.parquet', bytes)
  const gateway = await startGatewayProcess(gatewaySettings(minio))
  t.teardown(() => gateway.stop())

  await t.test('the metrics are Prometheus text and count what was read', async (t) => {
    const federation = federationClient(gateway.grpc)
    t.teardown(() => federation.close())
    const splits = await federation.plan({ schema: 'lake', table: 'orders' })
    for (const split of splits) await readAll(federation.readSplit(split))
    const samples = parseMetrics(await (await fetch(`${gateway.http}/metrics`)).text())
    t.match(samples, {
      'spillway_calls_total{method="PlanSplits",code="ok"}': 1,
      'spillway_calls_total{method="ReadSplit",code="ok"}': splits.length,
      spillway_plan_splits_total: splits.length,
      'spillway_plan_row_groups_total{decision="kept"}': 4,
      'spillway_scans_total{code="ok"}': splits.length,
      spillway_scan_row_groups_total: 4,
      spillway_scan_rows_total: rowCount,
      spillway_scans_active: 0,
      'spillway_call_seconds_count{method="PlanSplits"}': 1,
    })
    const dataBytes = samples['spillway_store_read_bytes_total{kind="data"}'] ?? 0
    t.ok(dataBytes > bytes.length * 0.98 && dataBytes < bytes.length, 'all pages, read once')
  })

  await t.test('ready while MinIO answers, unready while it does not', async (t) => {
    const credentials = { source: 'static', expiresInSeconds: undefined }
    const ready = { status: 200, body: { status: 'ready', credentials } }
    t.match(await answerOf(`${gateway.http}/readyz`), ready)
    await minio.stop()
    t.match(await answerOf(`${gateway.http}/readyz`), {
      status: 503,
      body: unready(new RegExp(minio.url)),
    })
    t.equal((await answerOf(`${gateway.http}/healthz`)).status, 200)
    minio = await startMinio({ port })
    t.match(await answerOf(`${gateway.http}/readyz`), ready)
  })

  await t.test('unready with the wrong key, and the key is not told', async (t) => {
    const wrong = { ...minio, secretKey: 'wrong-secret-key' }
    const other = await startGatewayProcess(gatewaySettings(wrong))
    t.teardown(() => other.stop())
    const { status, body } = await answerOf(`${other.http}/readyz`)
    t.equal(status, 503)
    t.match(body, unready(/refused the gateway's credentials .*check the keys/))
    t.notMatch(JSON.stringify([body, other.log]), wrong.secretKey)
  })
})

function compareText(left: string, right: string): number {
  return left < right ? -1 : 1
}

/** The body of `/readyz` when the store says no, or nothing. */
function unready(reason: RegExp) {
  const error = { code: 'unavailable', message: reason, retry: 'later' }
  return { status: 'not ready', reason, error }
}

async function answerOf(url: string): Promise<{ status: number; body: unknown }> {
  const response = await fetch(url)
  return { status: response.status, body: await response.json() }
}

/** Samples by name and labels; a line that is not Prometheus's text format is an error. */
function parseMetrics(text: string): Record<string, number> {
  const samples: Record<string, number> = {}
  const types = new Map<string, string>()
  for (const line of text.split('\n').filter((line) => line !== '')) {
    const type = /^# TYPE (spillway_[a-z0-9_]+) (counter|gauge|histogram|summary)$/.exec(line)
    if (type?.[1] !== undefined && type[2] !== undefined) types.set(type[1], type[2])
    if (line.startsWith('# TYPE') && !type) throw new Error(`no type: ${line}`)
    if (line.startsWith('#')) continue
    const sample =
      /^((spillway_[a-z0-9_]+)(?:\{[a-z_]+="[^"]*"(?:,[a-z_]+="[^"]*")*\})?) (-?[0-9.e+-]+|NaN|\+Inf)$/.exec(
        line,
      )
    const [, key, name] = sample ?? []
    if (key === undefined || name === undefined) throw new Error(`no sample: ${line}`)
    const family = name.replace(/_(bucket|sum|count)$/, '')
    if (!types.has(name) && !types.has(family)) throw new Error(`a sample without type: ${line}`)
    samples[key] = Number(sample?.[3])
  }
  return samples
}
