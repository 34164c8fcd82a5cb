import type { ClientOptions } from 'minio'
import { CredentialProvider } from 'minio/dist/esm/CredentialProvider.mjs'
import { Credentials } from 'minio/dist/esm/Credentials.mjs'
import type { StoreCredentialsSource } from './store-credentials.ts'

/** What the AWS SDK for JavaScript takes as `credentials`. */
export interface AwsCredentials {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly sessionToken?: string
  readonly expiration: Date
}

/** The SDK keeps credentials until five minutes before they end; with these it asks for every request. */
const SDK_KEEPS_MS = 300_000
/** One question; the source has a limit of its own, below this. */
const WAIT_MS_MAX = 30_000

/** The same credentials for a client of the AWS SDK: it asks for each request, as our own connections do. */
export function awsSdkCredentials(
  source: StoreCredentialsSource,
  nowMs: () => number = Date.now,
): () => Promise<AwsCredentials> {
  return async () => {
    const credentials = await source.get(AbortSignal.timeout(WAIT_MS_MAX))
    const { accessKey, secretKey, sessionToken, expiresMs } = credentials
    const askAgainMs = nowMs() + SDK_KEEPS_MS - 1
    return {
      accessKeyId: accessKey,
      secretAccessKey: secretKey.reveal(),
      ...(sessionToken && { sessionToken: sessionToken.reveal() }),
      expiration: new Date(Math.min(expiresMs ?? askAgainMs, askAgainMs)),
    }
  }
}

/** The same credentials for a client of `minio`, which asks for each request. */
export function minioCredentials(
  source: StoreCredentialsSource,
): NonNullable<ClientOptions['credentialsProvider']> {
  // The package declares the class twice, once for each of its module systems; what runs is this one.
  return new SourceProvider(source) as unknown as NonNullable<ClientOptions['credentialsProvider']>
}

class SourceProvider extends CredentialProvider {
  readonly #source: StoreCredentialsSource

  constructor(source: StoreCredentialsSource) {
    super({ accessKey: '', secretKey: '' })
    this.#source = source
  }

  override async getCredentials(): Promise<Credentials> {
    const { accessKey, secretKey, sessionToken } = await this.#source.get(
      AbortSignal.timeout(WAIT_MS_MAX),
    )
    return new Credentials({
      accessKey,
      secretKey: secretKey.reveal(),
      ...(sessionToken && { sessionToken: sessionToken.reveal() }),
    })
  }
}
