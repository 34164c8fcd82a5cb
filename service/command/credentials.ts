import type { Environment } from '../config.ts'
import type { StoreCredentials } from '../credentials/store-credentials.ts'
import { GatewayError } from '../errors.ts'
import { storeAccess } from '../objects/store-access.ts'
import { configOrProblems } from './config-or-problems.ts'
import { exitCodes } from './exit-codes.ts'

/** `json`: as pyarrow's S3FileSystem takes them; `env`: for a shell; `aws-process`: AWS's `credential_process`. */
export const credentialsFormats = ['json', 'env', 'aws-process'] as const

export type CredentialsFormat = (typeof credentialsFormats)[number]

/** The source may wait for the owner of a token file, and the secret is read for its server too. */
const TIMEOUT_MS = 30_000

/** Prints the credentials that the gateway would use now, in clear: that is what it is for. */
export async function printCredentials(
  env: Environment,
  format: CredentialsFormat,
): Promise<number> {
  const config = configOrProblems(env)
  if (!config) return exitCodes.usage
  try {
    const { connection, credentials } = await storeAccess(config.store)
    if (connection.kind === 'file')
      throw new GatewayError('invalid_request', `${connection.url} is a folder, it takes none`)
    const granted = await credentials.get(AbortSignal.timeout(TIMEOUT_MS))
    process.stdout.write(printedCredentials(granted, connection, format))
    return exitCodes.good
  } catch (reason) {
    const { code, message } = GatewayError.from(reason)
    process.stderr.write(`spillway: ${code}: ${message}\n`)
    return exitCodes.failed
  }
}

export interface PrintedStore {
  /** `http(s)://host[:port]`. */
  readonly url: string
  readonly region: string
}

/** The text that a program of each kind reads, its last line ended. */
export function printedCredentials(
  credentials: StoreCredentials,
  store: PrintedStore,
  format: CredentialsFormat,
): string {
  const secretKey = credentials.secretKey.reveal()
  const token = credentials.sessionToken?.reveal()
  const { accessKey, expiresMs } = credentials
  const expiration = expiresMs === undefined ? undefined : new Date(expiresMs).toISOString()
  if (format === 'aws-process') {
    return toJson({
      Version: 1,
      AccessKeyId: accessKey,
      SecretAccessKey: secretKey,
      SessionToken: token,
      Expiration: expiration,
    })
  }
  const { protocol, host } = new URL(store.url)
  if (format === 'json') {
    return toJson({
      access_key: accessKey,
      secret_key: secretKey,
      session_token: token,
      endpoint_override: host,
      scheme: protocol.slice(0, -1),
      region: store.region,
      expiration,
    })
  }
  const variables = {
    AWS_ACCESS_KEY_ID: accessKey,
    AWS_SECRET_ACCESS_KEY: secretKey,
    // Also when there is none: one of an earlier call would spoil the new keys.
    AWS_SESSION_TOKEN: token ?? '',
    AWS_CREDENTIAL_EXPIRATION: expiration ?? '',
    AWS_ENDPOINT_URL_S3: store.url,
    AWS_REGION: store.region,
  }
  const lines = Object.entries(variables).map(([name, value]) =>
    value === '' ? `unset ${name}\n` : `export ${name}=${quoted(value)}\n`,
  )
  return lines.join('')
}

function toJson(fields: Readonly<Record<string, string | number | undefined>>): string {
  return `${JSON.stringify(fields, null, 2)}\n`
}

/** One word to any POSIX shell, whatever is in it. */
function quoted(value: string): string {
  return `'${value.replaceAll("'", `'\\''`)}'`
}
