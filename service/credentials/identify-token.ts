import { createHash, timingSafeEqual } from 'node:crypto'
import { GatewayError } from '../errors.ts'
import type { Caller } from './caller.ts'
import type { KnownCaller } from './callers-file.ts'
import type { Secret } from './secret.ts'

/**
 * Whose token it is; undefined: nobody's. All tokens are compared, each in constant time, so that the time tells
 * nothing of where the like of it stands.
 *
 * @throws {GatewayError} `unauthenticated` the token has expired; whose it was is not told.
 */
export function identifyToken(
  callers: readonly KnownCaller[],
  token: Secret,
  nowMs: number,
): Caller | undefined {
  const digest = createHash('sha256').update(token.reveal()).digest()
  let found: { readonly caller: Caller; readonly endsMs: number | undefined } | undefined
  for (const { caller, tokens } of callers) {
    for (const entry of tokens) {
      if (timingSafeEqual(entry.digest, digest)) found = { caller, endsMs: entry.endsMs }
    }
  }
  if (found?.endsMs !== undefined && nowMs >= found.endsMs) throw tokenExpired()
  return found?.caller
}

export function tokenExpired(): GatewayError {
  return new GatewayError('unauthenticated', 'the token has expired, use a new one')
}

/** About everything that is not known: which part of it was wrong is not told. */
export function notKnown(): GatewayError {
  return new GatewayError('unauthenticated', 'these credentials are not known here')
}
