import type { ServerResponse } from 'node:http'
import { GatewayError } from '../errors.ts'

/** A signal that aborts when the reader leaves before its answer is whole, or the service ends. */
export function requestSignal(response: ServerResponse, closing: AbortSignal): AbortSignal {
  const left = new AbortController()
  response.once('close', () => {
    if (response.writableFinished) return
    left.abort(readerLeft())
  })
  return AbortSignal.any([left.signal, closing])
}

export function readerLeft(): GatewayError {
  return new GatewayError('cancelled', 'the reader left before its answer was whole')
}
