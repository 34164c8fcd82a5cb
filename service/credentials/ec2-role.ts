import { GatewayError } from '../errors.ts'
import type { HttpAnswer } from './ask-http.ts'
import { askHttp } from './ask-http.ts'
import { roleAnswer } from './role-answer.ts'
import type { CredentialsProvider } from './store-credentials.ts'

export interface Ec2RoleOptions {
  /** Default {@link EC2_ORIGIN}. */
  readonly url?: string
}

/** The instance metadata service, by EC2's documentation. */
export const EC2_ORIGIN = 'http://169.254.169.254'
const CREDENTIALS_PATH = '/latest/meta-data/iam/security-credentials/'
/** Elsewhere than on EC2 nobody answers there. */
const TIMEOUT_MS = 1_000
/** The session with the metadata service is as long as three questions take. */
const SESSION_SECONDS = '60'

/** The role of an EC2 instance, by version 2 of its metadata service; version 1 is not tried. */
export function ec2Role({ url = EC2_ORIGIN }: Ec2RoleOptions = {}): CredentialsProvider {
  const name = 'the metadata service of the machine'
  const ask = (
    method: 'GET' | 'PUT',
    path: string,
    headers: Readonly<Record<string, string>>,
    signal: AbortSignal,
  ): Promise<HttpAnswer> =>
    askHttp({ method, url: new URL(path, url), headers, name, timeoutMs: TIMEOUT_MS }, signal)

  return {
    source: 'ec2',
    async retrieve(_, signal) {
      const lifetime = { 'x-aws-ec2-metadata-token-ttl-seconds': SESSION_SECONDS }
      const session = plain(name, await ask('PUT', '/latest/api/token', lifetime, signal))
      const headers = { 'x-aws-ec2-metadata-token': session }
      const role = plain(name, await ask('GET', CREDENTIALS_PATH, headers, signal)).split('\n')[0]
      const path = `${CREDENTIALS_PATH}${encodeURIComponent(role ?? '')}`
      return roleAnswer(name, await ask('GET', path, headers, signal))
    },
  }
}

function plain(name: string, { status, text }: HttpAnswer): string {
  const word = text.trim()
  if (status === 200 && word !== '') return word
  throw new GatewayError(
    'unavailable',
    `${name} answered ${status}; check that a role is attached and version 2 of the service is on`,
  )
}
