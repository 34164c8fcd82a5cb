import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

/** A warm start takes well under two seconds; this is for a busy machine. */
const START_TIMEOUT_MS = 30_000

export interface GatewayProcess {
  /** `http://host:port`. */
  readonly http: string
  /** `host:port`. */
  readonly grpc: string
  readonly pid: number
  /** Sends SIGTERM and waits for the drain. */
  stop(): Promise<void>
}

/** Starts `spillway serve` as a user would, in a process of its own on free ports. */
export async function startGatewayProcess(
  environment: Readonly<Record<string, string>>,
): Promise<GatewayProcess> {
  const compiled = import.meta.url.endsWith('.js')
  const main = fileURLToPath(new URL(compiled ? '../main.js' : '../main.ts', import.meta.url))
  const child = spawn(process.execPath, [...(compiled ? [] : ['--import=tsx']), main, 'serve'], {
    env: {
      SPILLWAY_HTTP_ADDRESS: '127.0.0.1:0',
      SPILLWAY_GRPC_ADDRESS: '127.0.0.1:0',
      ...environment,
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const timer = setTimeout(() => child.kill('SIGKILL'), START_TIMEOUT_MS)
  const lines = createInterface({ input: child.stdout })
  let heard = ''
  for await (const line of lines) {
    heard = line
    const { msg, http, grpc } = JSON.parse(line) as Record<string, string>
    if (msg !== 'listening' || http === undefined || grpc === undefined) continue
    clearTimeout(timer)
    // The pipe must go on draining, or a talkative gateway would block on it.
    child.stdout.resume()
    return { http, grpc, pid: child.pid ?? 0, stop: () => stop(child) }
  }
  clearTimeout(timer)
  throw new Error(`the gateway did not start; its last words: ${heard}`)
}

async function stop(child: ReturnType<typeof spawn>): Promise<void> {
  if (child.exitCode !== null) return
  const exited = once(child, 'exit')
  child.kill('SIGTERM')
  await exited
}
