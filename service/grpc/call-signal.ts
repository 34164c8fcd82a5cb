import type { EventEmitter } from 'node:events'
import type { Deadline } from '@grpc/grpc-js'
import { GatewayError } from '../errors.ts'

export interface CallSignal {
  /** Aborts when the caller goes away or its deadline passes; the reason is a GatewayError. */
  readonly signal: AbortSignal
  /** Ends the watch: an abort after the answer means nothing. */
  finish(): void
}

/** The life of a call as an AbortSignal. grpc-js says `cancelled` for a passed deadline too, and after a normal end. */
export function callSignal(call: EventEmitter & { getDeadline(): Deadline }): CallSignal {
  const controller = new AbortController()
  let finished = false
  const deadlineMs = Number(call.getDeadline())
  call.on('cancelled', () => {
    if (finished) return
    const late = Number.isFinite(deadlineMs) && Date.now() >= deadlineMs
    controller.abort(
      late
        ? new GatewayError('deadline_exceeded', 'the deadline of the call passed')
        : new GatewayError('cancelled', 'the caller cancelled the request'),
    )
  })
  return {
    signal: controller.signal,
    finish: () => {
      finished = true
    },
  }
}
