import type {
  sendUnaryData,
  ServerDuplexStream,
  ServerUnaryCall,
  ServerWritableStream,
} from '@grpc/grpc-js'
import type { Caller } from '../credentials/caller.ts'
import type { GatewayError } from '../errors.ts'
import type { Frame } from '../scan/frame.ts'
import type { CallSignal } from './call-signal.ts'
import { callSignal } from './call-signal.ts'
import { callerOf } from './caller-of.ts'
import { statusOf } from './error-status.ts'
import { sendFrames } from './send-frames.ts'

/** Told of every call that ended: the method, and the error or nothing. */
export type CallObserver = (call: {
  /** Name of the caller; `''`: it was not recognised, or nobody is asked. */
  readonly caller: string
  readonly method: string
  readonly durationMs: number
  readonly queryId: string
  readonly error: GatewayError | undefined
}) => void

/** Anything thrown, as a GatewayError, with its cause logged where it is a defect of ours. */
export type ErrorTranslator = (reason: unknown) => GatewayError

export interface CallKeeper {
  readonly observe: CallObserver
  readonly translate: ErrorTranslator
}

/** The query a request belongs to, as its caller names it; `''`: none. */
export type QueryIdOf<Input> = (request: Input) => string

/** What is known of a call that was let in, and can be done to it. */
export interface CallLife extends Pick<CallSignal, 'signal' | 'abort'> {
  readonly caller: Caller
}

/** A method of one answer. */
export function answerCall<Input, Output>(
  keeper: CallKeeper,
  respond: (request: Input, life: CallLife) => Promise<Output>,
  queryIdOf: QueryIdOf<Input> = () => '',
) {
  return (call: ServerUnaryCall<Input, Output>, answer: sendUnaryData<Output>): void => {
    const caller = callerOf(call)
    const ended = watchCall(keeper, {
      path: call.getPath(),
      caller: caller.name,
      queryId: queryIdOf(call.request),
    })
    const life = callSignal(call)
    const answered = async () => {
      life.signal.throwIfAborted()
      return respond(call.request, { ...life, caller })
    }
    answered().then(
      (response) => {
        life.finish()
        ended(undefined)
        answer(null, response)
      },
      (reason: unknown) => {
        life.finish()
        const error = keeper.translate(life.signal.aborted ? life.signal.reason : reason)
        ended(error)
        answer(statusOf(error))
      },
    )
  }
}

/** A method that answers with a stream. What the frames throw, and what making them throws, ends the call. */
export function streamCall<Input>(
  keeper: CallKeeper,
  framesOf: (request: Input, life: CallLife) => AsyncIterable<Frame>,
  queryIdOf: QueryIdOf<Input> = () => '',
) {
  return (call: ServerWritableStream<Input, unknown>): void => {
    const caller = callerOf(call)
    const ended = watchCall(keeper, {
      path: call.getPath(),
      caller: caller.name,
      queryId: queryIdOf(call.request),
    })
    const life = callSignal(call)
    const send = async () => {
      life.signal.throwIfAborted()
      await sendFrames(call, framesOf(call.request, { ...life, caller }), life.signal)
    }
    endStream(call, { keeper, life, work: send(), ended: (error) => ended(error) })
  }
}

/** What a stream ends with. */
export interface StreamEnd<Result> {
  readonly keeper: Pick<CallKeeper, 'translate'>
  readonly life: CallSignal
  /** Everything there is to send. */
  readonly work: Promise<Result>
  readonly ended: (error: GatewayError | undefined, result?: Result) => void
}

/** Ends a stream when its work is done: well, or with the status of what went wrong. */
export function endStream<Result>(
  call: ServerWritableStream<unknown, unknown> | ServerDuplexStream<unknown, unknown>,
  { keeper, life, work, ended }: StreamEnd<Result>,
): void {
  work.then(
    (result) => {
      life.finish()
      ended(undefined, result)
      call.end()
    },
    (reason: unknown) => {
      life.finish()
      const error = keeper.translate(life.signal.aborted ? life.signal.reason : reason)
      ended(error)
      call.emit('error', statusOf(error))
    },
  )
}

/** Measures a call; what it returns is to be called once, at its end, with the caller's name if that came to light. */
export function watchCall(
  { observe }: CallKeeper,
  { path, caller = '', queryId = '' }: { path: string; caller?: string; queryId?: string },
): (error: GatewayError | undefined, caller?: string) => void {
  const started = performance.now()
  return (error, found = caller) =>
    observe({
      caller: found,
      method: path.slice(path.lastIndexOf('/') + 1),
      durationMs: performance.now() - started,
      queryId,
      error,
    })
}
