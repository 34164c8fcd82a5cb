import type { EventEmitter } from 'node:events'
import type { Deadline } from '@grpc/grpc-js'
import { GatewayError } from '../errors.ts'

export interface CallSignal {
  /** Aborts when the caller goes away or its deadline passes; the reason is a GatewayError. */
  readonly signal: AbortSignal
  /** Ends the call from our side, also while its reader stalls. */
  abort(reason: GatewayError): void
  /** Ends the watch: an abort after the answer means nothing. */
  finish(): void
}

/**
 * The life of a call as an AbortSignal. grpc-js says `cancelled` for a passed deadline too, and after a normal end; a
 * deadline that passed on the way, which answers are often faster than, aborts at once.
 */
export function callSignal(call: EventEmitter & { getDeadline(): Deadline }): CallSignal {
  const controller = new AbortController()
  let finished = false
  const deadlineMs = Number(call.getDeadline())
  const isLate = () => Number.isFinite(deadlineMs) && Date.now() >= deadlineMs
  const abort = () =>
    controller.abort(
      isLate()
        ? new GatewayError('deadline_exceeded', 'the deadline of the call passed')
        : new GatewayError('cancelled', 'the caller cancelled the request'),
    )
  if (isLate()) abort()
  call.on('cancelled', () => {
    if (!finished) abort()
  })
  return {
    signal: controller.signal,
    abort: (reason) => controller.abort(reason),
    finish: () => {
      finished = true
    },
  }
}
