import assert from 'node:assert'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { builtService } from './bench-build.ts'
import type { StoreKeys } from './store-client.ts'

/** The compiled gateway in a process of its own, as users run it. */
export interface BenchGateway {
  readonly pid: number
  /** `host:port`. */
  readonly grpc: string
  /** `http://host:port`. */
  readonly http: string
  /** From the start of the process until it listens. */
  readonly startMs: number
  /** Sends a message over the channel that scripts of `imports` may listen to, and gives the answer. */
  tell(message: string): Promise<unknown>
  stop(): Promise<void>
}

export interface BenchGatewayOptions {
  readonly store: StoreKeys
  readonly settings?: Readonly<Record<string, string>>
  /** Scripts that are loaded before it. */
  readonly imports?: readonly string[]
}

/** The port that clients of Flight are told. */
export function portOf({ grpc }: BenchGateway): string {
  return grpc.slice(grpc.lastIndexOf(':') + 1)
}

/** A scan is one split: streams are compared, not plans. */
const SPLIT_BYTES = '64GiB'

export async function startBenchGateway(options: BenchGatewayOptions): Promise<BenchGateway> {
  const { store, settings = {}, imports = [] } = options
  const main = join(await builtService(), 'service/main.js')
  const startedMs = performance.now()
  const words = [...profileWords(), ...imports.map((file) => `--import=${file}`), main, 'serve']
  const child = spawn(process.execPath, words, {
    env: {
      PATH: process.env['PATH'] ?? '',
      SPILLWAY_STORE_URL: store.url,
      SPILLWAY_STORE_ACCESS_KEY: store.accessKey,
      SPILLWAY_STORE_SECRET_KEY: store.secretKey,
      SPILLWAY_HTTP_ADDRESS: '127.0.0.1:0',
      SPILLWAY_GRPC_ADDRESS: '127.0.0.1:0',
      SPILLWAY_SPLIT_BYTES: SPLIT_BYTES,
      TABLES_PATH: 'tables',
      ...settings,
    },
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
  })
  const exited = once(child, 'exit')
  assert(child.stdout)
  const lines = createInterface({ input: child.stdout })
  const listening = new Promise<{ grpc: string; http: string }>((resolve, reject) => {
    lines.on('line', (line) => {
      const said = JSON.parse(line) as {
        readonly msg: string
        readonly grpc: string
        readonly http: string
      }
      if (said.msg === 'listening') resolve(said)
      else if (line.includes('"code":"internal"')) process.stderr.write(`${line}\n`)
    })
    void exited.then(([code]) => reject(new Error(`the gateway ended with code ${code}`)))
  })
  return {
    ...(await listening),
    startMs: performance.now() - startedMs,
    pid: child.pid ?? 0,
    tell: async (message) => {
      const answer = once(child, 'message')
      child.send(message)
      return (await answer)[0] as unknown
    },
    stop: async () => {
      if (child.connected) child.disconnect()
      child.kill('SIGTERM')
      await exited
    },
  }
}

/** With SPILLWAY_BENCH_PROFILE=folder every gateway leaves the CPU profiles of its threads there. */
function profileWords(): string[] {
  const folder = process.env['SPILLWAY_BENCH_PROFILE'] ?? ''
  return folder === '' ? [] : ['--cpu-prof', `--cpu-prof-dir=${folder}`]
}
