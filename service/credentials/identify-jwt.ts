import type { JWTPayload, JWTVerifyGetKey } from 'jose'
import { decodeJwt, errors, jwtVerify } from 'jose'
import { GatewayError } from '../errors.ts'
import type { Issuer } from './callers-file.ts'
import { notKnown, tokenExpired } from './identify-token.ts'
import type { Secret } from './secret.ts'

/** An issuer with its keys. */
export interface KeyedIssuer extends Issuer {
  readonly keys: JWTVerifyGetKey
}

/** Signatures by a key pair only: what the gateway knows must not be enough to make a token. */
const ALGORITHMS = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
  'Ed25519',
]
/** What the clocks of issuer and gateway may differ by. */
const CLOCK_TOLERANCE_SECONDS = 30

/** Whether a token has the form of a JWT: what has not is never shown to jose. */
export function isJwt(token: Secret): boolean {
  return /^[\w-]+\.[\w-]+\.[\w-]*$/.test(token.reveal())
}

/**
 * The names of callers that a token gives, the best first; only a signed, current token for us gives any.
 *
 * @throws {GatewayError} `unauthenticated` the token is not good; `unavailable` the issuer's keys cannot be had.
 */
export async function callersOfJwt(
  issuers: readonly KeyedIssuer[],
  token: Secret,
  nowMs: number,
): Promise<readonly string[]> {
  const issuer = issuers.find(({ issuer: name }) => name === claimedIssuer(token))
  if (issuer === undefined) throw notKnown()
  const payload = await verified(issuer, token, nowMs)
  const claim = claimOf(payload, issuer.claim)
  const values = (Array.isArray(claim) ? claim : [claim]).filter(
    (value) => typeof value === 'string',
  )
  return issuer.callers === undefined
    ? values
    : values.flatMap((value) => issuer.callers?.get(value) ?? [])
}

/** A claim by its name, or else by its path, as `realm_access.roles`. */
function claimOf(payload: JWTPayload, name: string): unknown {
  if (Object.hasOwn(payload, name)) return payload[name]
  return name
    .split('.')
    .reduce<unknown>(
      (within, step) =>
        isObject(within) && Object.hasOwn(within, step) ? within[step] : undefined,
      payload,
    )
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null
}

async function verified(issuer: KeyedIssuer, token: Secret, nowMs: number): Promise<JWTPayload> {
  try {
    const { payload } = await jwtVerify(token.reveal(), issuer.keys, {
      algorithms: ALGORITHMS,
      issuer: issuer.issuer,
      audience: issuer.audience,
      requiredClaims: ['exp'],
      clockTolerance: CLOCK_TOLERANCE_SECONDS,
      currentDate: new Date(nowMs),
    })
    return payload
  } catch (error) {
    // Thrown only after the signature was found good.
    if (error instanceof errors.JWTExpired) throw tokenExpired()
    throw isAboutKeys(error) ? keysMissing(issuer, error) : notKnown()
  }
}

/** The issuer did not answer, or answered no key set: the token may be good. */
function isAboutKeys(error: unknown): boolean {
  return (
    error instanceof GatewayError ||
    error instanceof errors.JWKSInvalid ||
    error instanceof errors.JWKSTimeout ||
    (error instanceof errors.JOSEError && error.code === 'ERR_JOSE_GENERIC')
  )
}

function keysMissing({ issuer }: Issuer, cause: unknown): GatewayError {
  return new GatewayError(
    'unavailable',
    `the keys of the issuer ${issuer} cannot be had, so its tokens cannot be checked now`,
    { cause, retryAfterMs: 5_000 },
  )
}

function claimedIssuer(token: Secret): string | undefined {
  try {
    return decodeJwt(token.reveal()).iss
  } catch {
    // No JWT after all.
    return undefined
  }
}
