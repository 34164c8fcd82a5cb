import { parentPort, workerData } from 'node:worker_threads'

/** One invocation of the function, and its answer. */
export interface InvocationMessage {
  readonly id: number
  readonly event: string
  readonly remainingMs: number
}

export type AnswerMessage =
  | { readonly id: number; readonly ready: true }
  | { readonly id: number; readonly response: string }
  | { readonly id: number; readonly errorType: string; readonly errorMessage: string }

type Handler = (event: unknown, context: object) => Promise<unknown>

const { bundleUrl } = workerData as { bundleUrl: string }
const { handler } = (await import(bundleUrl)) as { handler: Handler }

parentPort?.on('message', (message: InvocationMessage) => {
  void answer(message).then((reply) => parentPort?.postMessage(reply))
})
parentPort?.postMessage({ id: 0, ready: true } satisfies AnswerMessage)

async function answer({ id, event, remainingMs }: InvocationMessage): Promise<AnswerMessage> {
  const deadlineMs = Date.now() + remainingMs
  try {
    const context = {
      awsRequestId: `demo-${id}`,
      functionName: 'spillway-shim',
      getRemainingTimeInMillis: () => Math.max(0, deadlineMs - Date.now()),
    }
    return { id, response: JSON.stringify(await handler(JSON.parse(event), context)) }
  } catch (reason) {
    const error = reason instanceof Error ? reason : new Error(String(reason))
    return { id, errorType: error.name, errorMessage: error.message }
  }
}
