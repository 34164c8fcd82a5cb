import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import type { AnswerMessage, InvocationMessage } from './lambda-worker.ts'

/** Lambda's own limit of one invocation. */
const INVOCATION_TIMEOUT_MS = 900_000

/** What an invocation ended with: the response's JSON, or the error as Lambda tells it. */
export type InvocationResult =
  | { readonly response: string }
  | { readonly errorType: string; readonly errorMessage: string }

export interface LambdaHost {
  invoke(event: string): Promise<InvocationResult>
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
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js'
  const worker = new Worker(new URL(`./lambda-worker.${extension}`, import.meta.url), {
    env: { ...environment },
    workerData: { bundleUrl: bundleUrl.href },
    stdout: true,
  })
  const waiting = new Map<number, (result: InvocationResult) => void>()
  let lastId = 0
  await once(worker, 'message')
  worker.on('message', (answer: AnswerMessage) => {
    if ('ready' in answer) return
    waiting.get(answer.id)?.(answer)
    waiting.delete(answer.id)
  })
  worker.on('error', (error) => {
    for (const settle of waiting.values()) {
      settle({ errorType: 'Runtime.ExitError', errorMessage: error.message })
    }
    waiting.clear()
  })
  return {
    invoke: (event) =>
      new Promise((resolve) => {
        lastId += 1
        waiting.set(lastId, resolve)
        const message: InvocationMessage = { id: lastId, event, remainingMs: INVOCATION_TIMEOUT_MS }
        worker.postMessage(message)
      }),
    close: async () => {
      await worker.terminate()
    },
  }
}
