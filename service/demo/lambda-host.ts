import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { workerEntry } from '../scan/worker-entry.ts'
import type { AnswerMessage, InvocationMessage } from './lambda-worker.ts'

/** Lambda's own limit of one invocation. */
const INVOCATION_TIMEOUT_MS = 900_000

type Settle = (answer: Exclude<AnswerMessage, { readonly ready: true }>) => void

export interface LambdaHost {
  /** The function as its caller sees it: what it throws has the name and message that Lambda would tell. */
  readonly handler: (event: object) => Promise<unknown>
  close(): Promise<void>
}

/**
 * Runs a bundled Lambda function in a thread of its own, with an environment of its own, as Lambda would:
 * JSON in, JSON out.
 */
export async function startLambdaHost(
  bundleUrl: URL,
  environment: Readonly<Record<string, string>>,
): Promise<LambdaHost> {
  const worker = new Worker(workerEntry(new URL('./lambda-worker', import.meta.url)), {
    env: { ...environment },
    workerData: { bundleUrl: bundleUrl.href },
    stdout: true,
  })
  const waiting = new Map<number, Settle>()
  let lastId = 0
  await once(worker, 'message')
  worker.on('message', (answer: AnswerMessage) => {
    if ('ready' in answer) return
    waiting.get(answer.id)?.(answer)
    waiting.delete(answer.id)
  })
  worker.on('error', (error) => {
    for (const [id, settle] of waiting) {
      settle({ id, errorType: 'Runtime.ExitError', errorMessage: error.message })
    }
    waiting.clear()
  })
  const invoke = (event: string) =>
    new Promise<Parameters<Settle>[0]>((resolve) => {
      lastId += 1
      waiting.set(lastId, resolve)
      const message: InvocationMessage = { id: lastId, event, remainingMs: INVOCATION_TIMEOUT_MS }
      worker.postMessage(message)
    })
  return {
    handler: async (event) => {
      const answer = await invoke(JSON.stringify(event))
      if ('response' in answer) return JSON.parse(answer.response) as unknown
      throw Object.assign(new Error(answer.errorMessage), { name: answer.errorType })
    },
    close: async () => {
      await worker.terminate()
    },
  }
}
