import { execFile } from 'node:child_process'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { athena } from '../../service/athena/engine.ts'
import { type Invoke, invokeOverHttp } from '../../service/athena/invoke.ts'
import { s3SpillReader } from '../../service/athena/spilled-blocks.ts'
import { canSeeCpu, cpuSecondsOf } from '../support/bench-cpu.ts'
import { type BenchOptions, type Figure, skipped } from '../support/bench-figure.ts'
import { startBenchGateway } from '../support/bench-gateway.ts'
import { startLineProcess } from '../support/bench-line-process.ts'
import { NO_PYTHON, pythonScript } from '../support/bench-python.ts'
import { medianOfRounds } from '../support/bench-rounds.ts'
import {
  benchBucket,
  benchStore,
  type BenchStore,
  loadTable,
  spillBucket,
} from '../support/bench-store.ts'
import { type LambdaProcess, startLambdaProcess } from '../support/lambda-process.ts'

export const title = 'One Athena split of 60 MB, encrypted and spilled, against a Python connector'

/** What `naive_connector.py` does with `lists`, and without. */
const listsFigure = {
  name: 'an Athena split of 60 MB, encrypted and spilled: speed, of the Python connector',
  unit: '×',
  must: { atLeast: 4 },
}
const arrowFigure = { name: 'the same, of one that keeps to Arrow', unit: '×' }
const table = 'split-snappy'
const quiet = AbortSignal.timeout(600_000)
const root = join(import.meta.dirname, '../..')

export async function run({ smoke, print }: BenchOptions): Promise<readonly Figure[]> {
  const store = await benchStore()
  if (store === undefined || !canSeeCpu) {
    const reason = store === undefined ? NO_PYTHON : 'no /proc to read CPU times from'
    return [skipped(listsFigure, reason), skipped(arrowFigure, reason)]
  }
  await loadTable(store, table, smoke)
  const gateway = await startBenchGateway({ store })
  const shim = await startShim(store, gateway.grpc)
  const arrow = await startConnector(store)
  const lists = await startConnector(store, 'lists')
  try {
    const event = await splitEvent(store, shim)
    const ask = (invoke: Invoke, pids: readonly number[]) => () => spillOnce(invoke, event, pids)
    const cost = await medianOfRounds(smoke ? 1 : 9, {
      ours: ask(shim.invoke, [shim.pid, gateway.pid]),
      arrow: ask(arrow.invoke, [arrow.pid]),
      lists: ask(lists.invoke, [lists.pid]),
    })
    for (const [name, { seconds, cpuSeconds, blocks }] of Object.entries(cost)) {
      print(
        `${name.padEnd(6)} ${(seconds * 1000).toFixed(0).padStart(5)} ms, ${cpuSeconds.toFixed(2)} CPU s, ${blocks} blocks`,
      )
    }
    print(`of ours the shim takes ${cost.ours.firstCpuSeconds.toFixed(2)} CPU s`)
    const clear = arrow.encrypts ? '' : '; theirs is not encrypted, cryptography is missing'
    const figures = { lists: listsFigure, arrow: arrowFigure }
    return (['lists', 'arrow'] as const).map((name) => {
      const cpu = (cost[name].cpuSeconds / cost.ours.cpuSeconds).toFixed(2)
      const reached = cost[name].seconds / cost.ours.seconds
      return { ...figures[name], reached, note: `CPU ${cpu}×${clear}` }
    })
  } finally {
    await Promise.all([shim.stop(), arrow.stop(), lists.stop()])
    await gateway.stop()
  }
}

async function spillOnce(invoke: Invoke, event: object, pids: readonly number[]) {
  const cpu = () => pids.reduce((sum, pid) => sum + cpuSecondsOf(pid), 0)
  const cpuBefore = cpu()
  const [first = 0] = pids
  const firstBefore = cpuSecondsOf(first)
  const startedMs = performance.now()
  const answer = (await invoke(event, quiet)) as { readonly remoteBlocks?: readonly unknown[] }
  const seconds = (performance.now() - startedMs) / 1000
  const blocks = answer.remoteBlocks?.length ?? 0
  if (blocks === 0) throw new Error(`nothing was spilled: ${JSON.stringify(answer).slice(0, 200)}`)
  const firstCpuSeconds = cpuSecondsOf(first) - firstBefore
  return { seconds, cpuSeconds: cpu() - cpuBefore, firstCpuSeconds, blocks }
}

/** The ReadRecords event of the table's only split, as the engine asks it; its rows are read and checked once. */
async function splitEvent(store: BenchStore, shim: LambdaProcess): Promise<object> {
  const events: object[] = []
  const { url: endpoint, accessKey: accessKeyId, secretKey: secretAccessKey } = store
  const spills = s3SpillReader({ endpoint, credentials: { accessKeyId, secretAccessKey } })
  const engine = athena({
    invoke: (event, signal) => {
      if ((event as { '@type': string })['@type'] === 'ReadRecordsRequest') events.push(event)
      return shim.invoke(event, signal)
    },
    spills,
    // Smoke's small split is spilled too.
    limits: { maxInlineBytes: 1 },
  })
  const result = await engine.query({ schema: benchBucket, table }, quiet)
  for await (const batch of result.batches()) void batch
  spills.close()
  const [event] = events
  if (event === undefined || events.length > 1) throw new Error(`${events.length} splits, not one`)
  return event
}

async function startShim(
  { url, accessKey, secretKey }: BenchStore,
  grpc: string,
): Promise<LambdaProcess> {
  const bundle = join(root, '.cache/bench/shim/index.mjs')
  await mkdir(join(bundle, '..'), { recursive: true })
  await promisify(execFile)(process.execPath, [join(root, 'shim-lambda/bundle.mjs'), bundle])
  return startLambdaProcess(bundle, {
    SPILLWAY_GATEWAY: grpc,
    SPILLWAY_SPILL_PATH_STYLE: 'true',
    spill_bucket: spillBucket,
    AWS_ENDPOINT_URL_S3: url,
    AWS_REGION: 'us-east-1',
    AWS_ACCESS_KEY_ID: accessKey,
    AWS_SECRET_ACCESS_KEY: secretKey,
    AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true',
  })
}

async function startConnector(store: BenchStore, ...words: string[]) {
  const { python, url, accessKey, secretKey } = store
  const script = pythonScript('naive_connector.py')
  const connector = await startLineProcess({
    command: python,
    words: [script, url, accessKey, secretKey, ...words],
  })
  const { port, encrypts } = connector.ready
  const invoke = invokeOverHttp(`http://127.0.0.1:${port}`)
  return { ...connector, invoke, encrypts: encrypts === 1 }
}
