import { GatewayError } from '../errors.ts'
import { Secret } from './secret.ts'
import type { CredentialsProvider, StoreCredentials } from './store-credentials.ts'

/** What a module of the operator's is told each time. */
export interface CredentialsQuestion {
  /** The access key that the store refused, when that is why it is asked. */
  readonly refusedAccessKey?: string
  readonly signal: AbortSignal
}

/** What it answers. */
export interface CredentialsAnswer {
  readonly accessKey: string
  readonly secretKey: string
  readonly sessionToken?: string
  /** A Date, text that Date understands, or milliseconds since the epoch; absent: asked again after 5 minutes. */
  readonly expires?: Date | string | number
}

/** The one function that the module exports: it may read any vault. */
export type CredentialsFunction = (question: CredentialsQuestion) => Promise<CredentialsAnswer>

/** As of secrets: long enough not to matter, short enough for a rotation. */
const TTL_MS = 300_000

/**
 * Credentials from a module of the operator's, loaded when they are first needed. Its own errors go into causes only:
 * their messages may hold anything.
 *
 * @param url `file:///…` of the module
 */
export function moduleCredentials(url: string): CredentialsProvider {
  let loaded: Promise<CredentialsFunction> | undefined
  const broken = (what: string, cause?: unknown): GatewayError =>
    new GatewayError(
      'unavailable',
      `SPILLWAY_STORE_CREDENTIALS_MODULE ${url} ${what}`,
      cause === undefined ? {} : { cause },
    )

  const load = async (): Promise<CredentialsFunction> => {
    const module: unknown = await import(url).catch((cause: unknown) => {
      throw broken(`cannot be loaded (${nameOf(cause)}); check the file`, cause)
    })
    const exported = new Set(Object.values(Object(module)))
    const found = [...exported].filter((value) => typeof value === 'function')
    if (found.length !== 1) throw broken(`exports ${found.length} functions; one is expected`)
    return found[0] as CredentialsFunction
  }

  return {
    source: 'module',
    ttlMs: TTL_MS,
    async retrieve({ refused }, signal) {
      loaded ??= load().catch((error: unknown) => {
        loaded = undefined
        throw error
      })
      const ask = await loaded
      const about = refused === undefined ? {} : { refusedAccessKey: refused.accessKey }
      try {
        const credentials = credentialsOf(await ask({ ...about, signal }))
        if (credentials !== undefined) return credentials
      } catch (cause) {
        throw broken(`failed (${nameOf(cause)}); run it by hand to see why`, cause)
      }
      throw broken('answered without accessKey and secretKey; see README.md for the shape')
    },
  }
}

function credentialsOf(answer: CredentialsAnswer | undefined): StoreCredentials | undefined {
  const { accessKey, secretKey, sessionToken, expires } = answer ?? {}
  if (!isText(accessKey) || !isText(secretKey)) return undefined
  const expiresMs = expires === undefined ? undefined : new Date(expires).getTime()
  if (Number.isNaN(expiresMs)) return undefined
  return {
    accessKey,
    secretKey: new Secret(secretKey),
    ...(isText(sessionToken) && { sessionToken: new Secret(sessionToken) }),
    ...(expiresMs !== undefined && { expiresMs }),
  }
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== ''
}

function nameOf(error: unknown): string {
  return error instanceof Error ? error.name : 'not an error'
}
