import { GatewayError } from '../errors.ts'
import type { ShownCredentials } from './caller.ts'
import { Secret } from './secret.ts'

/** Names and tokens are shorter. */
const CHARACTERS_MAX = 16_384

/** A token, with the caller it is said to be of. */
export interface BearerToken {
  /** Absent: not said. */
  readonly caller?: string
  readonly token: Secret
}

/**
 * The token that is shown, in a header or as Flight's early clients have it; undefined: none. Go leaves out the
 * padding of its base64.
 *
 * @throws {GatewayError} `unauthenticated` the header is neither Basic nor Bearer.
 */
export function bearerToken({ authorization, token }: ShownCredentials): BearerToken | undefined {
  if (authorization === undefined) {
    if (token === undefined) return undefined
    if (token.length > CHARACTERS_MAX) throw unclear()
    return { token: new Secret(token) }
  }
  const [, scheme, value = ''] = /^(basic|bearer) +(\S+)$/i.exec(authorization.trim()) ?? []
  if (scheme === undefined || authorization.length > CHARACTERS_MAX) throw unclear()
  if (scheme.toLowerCase() === 'bearer') return { token: new Secret(value) }
  const text = Buffer.from(value, 'base64').toString('utf8')
  const colon = text.indexOf(':')
  if (colon < 0) throw unclear()
  return { caller: text.slice(0, colon), token: new Secret(text.slice(colon + 1)) }
}

function unclear(): GatewayError {
  return new GatewayError(
    'unauthenticated',
    'the credentials are not understood; send "authorization: Bearer <token>" or Basic <caller>:<token>',
  )
}
