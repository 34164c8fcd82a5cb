import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager'
import { GatewayError } from '../errors.ts'
import { parseFields } from './role-answer.ts'
import { Secret } from './secret.ts'
import { sameCredentials } from './store-credentials.ts'
import type { CredentialsProvider, StoreCredentials } from './store-credentials.ts'

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
}

/** Of the versions of a secret, by Secrets Manager's documentation. */
type SecretStage = 'AWSCURRENT' | 'AWSPREVIOUS'

/** How long one reading is used. */
const TTL_MS = 300_000

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
  options: SecretsManagerOptions & { readonly stage?: SecretStage },
  signal: AbortSignal,
): Promise<StoreSecret> {
  const { secretName, client = new SecretsManagerClient({}), stage } = options
  const version = stage === undefined ? {} : { VersionStage: stage }
  const command = new GetSecretValueCommand({ SecretId: secretName, ...version })
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
 * The store's credentials out of a secret. When the store refuses the version that is current, the one before it: a
 * rotation may have reached the secret and not yet the store.
 */
export function secretsManagerProvider(options: SecretsManagerOptions): CredentialsProvider {
  const client = options.client ?? new SecretsManagerClient({})
  const read = (stage: SecretStage, signal: AbortSignal): Promise<StoreSecret> =>
    readStoreSecret({ ...options, client, stage }, signal)

  return {
    source: 'secret',
    ttlMs: TTL_MS,
    async retrieve({ refused }, signal) {
      const current = await read('AWSCURRENT', signal)
      if (refused === undefined || !sameCredentials(current, refused)) return current
      try {
        return await read('AWSPREVIOUS', signal)
      } catch (error) {
        if (signal.aborted) throw error
        // A secret that was never rotated has no such version.
        return current
      }
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

function pick(fields: ReadonlyMap<string, unknown>, names: readonly string[]): string | undefined {
  for (const name of names) {
    const value = fields.get(name)
    if (typeof value === 'string' && value !== '') return value
  }
  return undefined
}
