import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager'
import { GatewayError } from '../errors.ts'
import { Secret } from './secret.ts'
import type { StoreCredentials, StoreCredentialsSource } from './store-credentials.ts'

/** What the secret of the connector we replace holds: `{access_key, secret_key, server}`. */
export interface StoreSecret extends StoreCredentials {
  /** `host[:port]` of the store, when the secret names it. */
  readonly server?: string
}

export interface SecretsManagerOptions {
  /** Name or ARN of the secret. */
  readonly secretName: string
  /** Absent: a client of the environment's region and role. */
  readonly client?: Pick<SecretsManagerClient, 'send'>
  /** How long one reading is used; default 5 minutes. */
  readonly ttlMs?: number
  readonly nowMs?: () => number
}

const TTL_MS = 300_000
/** A refusal of the store reads the secret again, but not more often: a missing right is no reason to flood AWS. */
const REREAD_MS_MIN = 1_000
/** One reading, retries of the SDK included. */
const READ_MS_MAX = 15_000

/** Spellings of the fields, ours first. */
const accessKeyNames = ['access_key', 'accessKey', 'MINIO_ACCESS_KEY', 'AWS_ACCESS_KEY_ID']
const secretKeyNames = ['secret_key', 'secretKey', 'MINIO_SECRET_KEY', 'AWS_SECRET_ACCESS_KEY']
const sessionTokenNames = ['session_token', 'sessionToken', 'AWS_SESSION_TOKEN']
const serverNames = ['server', 'endpoint']

/**
 * Reads the secret once.
 *
 * @throws {GatewayError} `unavailable` it cannot be read or is not of the shape; `cancelled` the signal aborted.
 */
export async function readStoreSecret(
  options: SecretsManagerOptions,
  signal: AbortSignal,
): Promise<StoreSecret> {
  const { secretName, client = new SecretsManagerClient({}) } = options
  const command = new GetSecretValueCommand({ SecretId: secretName })
  try {
    const answer = await client.send(command, { abortSignal: signal })
    return parseStoreSecret(secretName, answer.SecretString ?? '')
  } catch (error) {
    if (error instanceof GatewayError) throw error
    if (signal.aborted) throw GatewayError.from(signal.reason)
    const reason = error instanceof Error ? error.name : 'unknown error'
    throw new GatewayError(
      'unavailable',
      `the secret ${secretName} cannot be read (${reason}); check its name, the region and the right secretsmanager:GetSecretValue`,
      { cause: error },
    )
  }
}

/**
 * The store's credentials out of a secret, read again after `ttlMs` and at once when the store refuses them.
 * One reading serves all who wait for it.
 */
export function secretsManagerCredentials(options: SecretsManagerOptions): StoreCredentialsSource {
  const { ttlMs = TTL_MS, nowMs = Date.now } = options
  const client = options.client ?? new SecretsManagerClient({})
  let held: { readonly secret: StoreSecret; readonly readMs: number } | undefined
  let reading: Promise<StoreSecret> | undefined

  const read = async (): Promise<StoreSecret> => {
    try {
      // Not the signal of whoever came first: the others wait for the same answer.
      const secret = await readStoreSecret({ ...options, client }, AbortSignal.timeout(READ_MS_MAX))
      held = { secret, readMs: nowMs() }
      return secret
    } finally {
      reading = undefined
    }
  }

  return {
    async get(signal) {
      if (signal.aborted) throw GatewayError.from(signal.reason)
      if (held !== undefined && nowMs() - held.readMs < ttlMs) return held.secret
      reading ??= read()
      return unlessAborted(reading, signal)
    },
    expire() {
      if (held !== undefined && nowMs() - held.readMs >= REREAD_MS_MIN) held = undefined
    },
  }
}

function parseStoreSecret(secretName: string, text: string): StoreSecret {
  const fields = parseFields(text)
  const accessKey = pick(fields, accessKeyNames)
  const secretKey = pick(fields, secretKeyNames)
  if (accessKey === undefined || secretKey === undefined)
    throw new GatewayError(
      'unavailable',
      `the secret ${secretName} is not a JSON object with "access_key" and "secret_key"`,
    )
  const sessionToken = pick(fields, sessionTokenNames)
  const server = pick(fields, serverNames)
  return {
    accessKey,
    secretKey: new Secret(secretKey),
    ...(sessionToken === undefined ? {} : { sessionToken: new Secret(sessionToken) }),
    ...(server === undefined ? {} : { server }),
  }
}

function parseFields(text: string): ReadonlyMap<string, unknown> {
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value === 'object' && value !== null) return new Map(Object.entries(value))
  } catch {
    // The parser's message quotes the text, which is the secret.
  }
  return new Map()
}

function pick(fields: ReadonlyMap<string, unknown>, names: readonly string[]): string | undefined {
  for (const name of names) {
    const value = fields.get(name)
    if (typeof value === 'string' && value !== '') return value
  }
  return undefined
}

async function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  const done = new AbortController()
  const aborted = new Promise<never>((_resolve, reject) => {
    const leave = (): void => reject(GatewayError.from(signal.reason))
    signal.addEventListener('abort', leave, { once: true, signal: done.signal })
  })
  try {
    return await Promise.race([promise, aborted])
  } finally {
    done.abort()
  }
}
