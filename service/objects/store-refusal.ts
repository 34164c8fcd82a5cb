import { GatewayError } from '../errors.ts'
import type { ObjectVersion } from './object-store.ts'

/** The cause of an error when the store understood and said no: asking again changes nothing. */
export class StoreRefusal extends Error {
  /** HTTP status, 0 for stores without. */
  readonly status: number
  /** The store's own word, e.g. `AccessDenied`; empty when it gave none. */
  readonly code: string

  constructor(status: number, code: string, message: string) {
    super(message)
    this.name = 'StoreRefusal'
    this.status = status
    this.code = code
  }
}

/** The error for a version the store no longer holds; `now` says what became of it, e.g. `it is gone`. */
export function objectChanged(object: ObjectVersion, now: string, cause?: unknown): GatewayError {
  return new GatewayError(
    'object_changed',
    `${object.bucket}/${object.key} was planned at version ${object.etag} and ${now}; plan again`,
    { cause },
  )
}
