import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { text } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import type { StoreKeys } from './store-client.ts'

/** A gateway in a process of its own, run from its sources. */
export interface GatewayProcess {
  /** `http://host:port`. */
  readonly http: string
  /** `host:port`. */
  readonly grpc: string
  readonly pid: number
  /** What it logged, line by line. */
  readonly log: readonly GatewayLine[]
  /** All that it wrote to stderr so far. */
  errorText(): string
  kill(signal: NodeJS.Signals): void
  /** Resolves to the exit code, or to the name of the signal that ended it. */
  readonly exited: Promise<number | string>
  /** Resolves when a line with this message is logged. */
  logged(message: string): Promise<GatewayLine>
  /** SIGTERM, unless it is over already, and the end. */
  stop(): Promise<number | string>
}

export interface GatewayLine {
  readonly level: number
  readonly msg: string
  readonly [name: string]: unknown
}

export type Settings = Readonly<Record<string, string>>

/** How a command of the gateway ended. */
export interface CommandEnd {
  readonly code: number | string
  readonly stdout: string
  readonly stderr: string
}

const START_MS_MAX = 30_000
const POLL_MS = 20
const main = join(import.meta.dirname, '../../service/main.ts')

/** Settings of a gateway of this store: any free ports, tables below `tables/`, listings never reused. */
export function gatewaySettings(store: StoreKeys, more: Settings = {}): Settings {
  return {
    SPILLWAY_STORE_URL: store.url,
    SPILLWAY_STORE_ACCESS_KEY: store.accessKey,
    SPILLWAY_STORE_SECRET_KEY: store.secretKey,
    SPILLWAY_HTTP_ADDRESS: '127.0.0.1:0',
    SPILLWAY_GRPC_ADDRESS: '127.0.0.1:0',
    SPILLWAY_LISTING_TTL: '0s',
    TABLES_PATH: 'tables',
    ...more,
  }
}

/**
 * Starts `spillway serve` with these settings and nothing else, and waits until it listens.
 *
 * @param program its `main.js`, compiled; default: the sources
 */
export async function startGatewayProcess(
  settings: Settings,
  program?: string,
): Promise<GatewayProcess> {
  const child = launch(['serve'], settings, program)
  const log: GatewayLine[] = []
  let errorText = ''
  createInterface({ input: child.stdout }).on('line', (line) => log.push(JSON.parse(line)))
  child.stderr.on('data', (chunk: Buffer) => (errorText += chunk.toString()))
  const exited = once(child, 'close').then(([code, signal]): number | string => signal ?? code)
  const isOver = () => child.exitCode !== null || child.signalCode !== null
  const find = (message: string) => log.find(({ msg }) => msg === message)
  const logged = async (message: string): Promise<GatewayLine> => {
    const deadlineMs = Date.now() + START_MS_MAX
    while (find(message) === undefined && !isOver() && Date.now() < deadlineMs) await sleep(POLL_MS)
    const line = find(message)
    if (line !== undefined) return line
    child.kill('SIGKILL')
    throw new Error(`the gateway never logged "${message}": ${JSON.stringify(log)} ${errorText}`)
  }
  const { http, grpc } = await logged('listening')
  return {
    http: String(http),
    grpc: String(grpc),
    pid: child.pid ?? 0,
    log,
    errorText: () => errorText,
    kill: (signal) => void child.kill(signal),
    exited,
    logged,
    stop: () => {
      if (!isOver()) child.kill('SIGTERM')
      return exited
    },
  }
}

/** Runs a command to its end; one that does not end by itself is killed, and says so by its code. */
export async function runGatewayCommand(
  words: readonly string[],
  settings: Settings,
): Promise<CommandEnd> {
  const child = launch(words, settings)
  const timer = setTimeout(() => child.kill('SIGKILL'), START_MS_MAX)
  const [stdout, stderr, [code, signal]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'close'),
  ])
  clearTimeout(timer)
  return { code: signal ?? code, stdout, stderr }
}

/** The environment holds PATH and the settings alone: neither the test runner's loaders nor its own settings. */
function launch(words: readonly string[], settings: Settings, program?: string) {
  const file = program === undefined ? [`--import=${import.meta.resolve('tsx')}`, main] : [program]
  return spawn(process.execPath, [...file, ...words], {
    env: { PATH: process.env['PATH'] ?? '', ...settings },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
}
