import { spawn } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'

/** A server of S3 that runs. */
export interface TestServer {
  readonly url: string
  readonly accessKey: string
  readonly secretKey: string
  readonly pid: number
  /** Ends the process and removes its folder. */
  stop(): Promise<void>
}

export interface ServerRecipe {
  readonly binary: string
  readonly words: readonly string[]
  /** All of its environment but PATH. */
  readonly env: Readonly<Record<string, string>>
  readonly accessKey: string
  readonly secretKey: string
  /** Where it listens, once it has said so. */
  readonly urlOf: (log: string) => string | undefined
  readonly isReady: (url: string) => Promise<boolean>
  readonly cleanUp: () => Promise<void>
}

const START_MS_MAX = 20_000
const POLL_MS = 20
const LOG_LENGTH_MAX = 65_536

/** Starts the server and waits until it is ready; when it does not start the error shows what it wrote. */
export async function startServer(recipe: ServerRecipe): Promise<TestServer> {
  const child = spawn(recipe.binary, recipe.words, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: process.env['PATH'] ?? '', ...recipe.env },
  })
  let log = ''
  const ended: string[] = []
  const end = new Promise<void>((resolve) => {
    const told = (reason: unknown): void => {
      ended.push(String(reason))
      resolve()
    }
    child.once('exit', (code, signal) => told(signal ?? code)).once('error', told)
  })
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => (log = `${log}${chunk.toString()}`.slice(-LOG_LENGTH_MAX)))
  const stop = async (): Promise<void> => {
    child.kill('SIGKILL')
    await end
    await recipe.cleanUp()
  }
  const { accessKey, secretKey } = recipe
  const deadlineMs = Date.now() + START_MS_MAX
  while (ended.length === 0 && Date.now() < deadlineMs) {
    const url = recipe.urlOf(log)
    if (url !== undefined && (await recipe.isReady(url).catch(() => false)))
      return { url, accessKey, secretKey, pid: child.pid ?? 0, stop }
    await sleep(POLL_MS)
  }
  await stop()
  throw new Error(`${recipe.binary} did not start (${ended[0] ?? 'in time'}): ${log.slice(-600)}`)
}
