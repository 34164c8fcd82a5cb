import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'

export type Answer = Readonly<Record<string, number | string>>

/** A process that answers each line of JSON with one, and says a first one when it is ready. */
export interface LineProcess {
  readonly pid: number
  readonly ready: Answer
  /** One question at a time. An answer with `error` is thrown. */
  ask(question: object): Promise<Answer>
  stop(): Promise<void>
}

export interface LineProcessOptions {
  readonly command: string
  readonly words: readonly string[]
  /** All of its environment but PATH. */
  readonly env?: Readonly<Record<string, string>>
}

export async function startLineProcess(options: LineProcessOptions): Promise<LineProcess> {
  const { command, words, env = {} } = options
  const child = spawn(command, words, {
    env: { PATH: process.env['PATH'] ?? '', ...env },
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const exited = once(child, 'exit')
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const answer = async (): Promise<Answer> => {
    const { done, value } = await lines.next()
    if (done === true) throw new Error(`${command} ${words[0]} ended before it answered`)
    const said = JSON.parse(value) as Answer
    if (said['error'] !== undefined) throw new Error(`${words[0]}: ${said['error']}`)
    return said
  }
  const ready = await answer()
  return {
    pid: child.pid ?? 0,
    ready,
    ask: (question) => {
      child.stdin.write(`${JSON.stringify(question)}\n`)
      return answer()
    },
    stop: async () => {
      child.stdin.end()
      child.kill()
      await exited
    },
  }
}
