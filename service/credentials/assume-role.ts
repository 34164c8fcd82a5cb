import { createHash } from 'node:crypto'
import { signV4 } from 'minio/dist/esm/signing.mjs'
import { GatewayError } from '../errors.ts'
import { askSts, isStsRefusal, saidBySts } from './ask-sts.ts'
import type { StsAddress } from './ask-sts.ts'
import { sameCredentials } from './store-credentials.ts'
import type { CredentialsProvider, StoreCredentials } from './store-credentials.ts'
import { SESSION_NAME } from './web-identity.ts'

export interface AssumeRoleOptions {
  /** Whose keys ask for the session. */
  readonly base: CredentialsProvider
  readonly sts: StsAddress
  /** MinIO takes any that is well formed; the session has the rights of the keys. */
  readonly roleArn: string
  readonly region: string
  /** What the session may do at most, as JSON; absent: all that the role may. */
  readonly policy?: string
}

/**
 * Exchanges long-lived keys for a session, which is all that requests are signed with. Keys that the STS refuses are
 * asked for again, once: they may just have been rotated.
 */
export function assumeRole(options: AssumeRoleOptions): CredentialsProvider {
  const { base, sts, roleArn, region, policy } = options
  const ask = (keys: StoreCredentials, signal: AbortSignal) => {
    const sign = (url: URL, body: string) =>
      signature({ url, body, region, date: new Date(sts.nowMs()) }, keys)
    const parameters = {
      RoleArn: roleArn,
      RoleSessionName: SESSION_NAME,
      ...(policy !== undefined && { Policy: policy }),
    }
    return askSts({ action: 'AssumeRole', parameters, sign }, sts, signal)
  }

  return {
    source: 'assume-role',
    async retrieve(_, signal) {
      const keys = await base.retrieve({}, signal)
      const answer = await ask(keys, signal)
      if (!isStsRefusal(answer)) return answer
      const others = await base.retrieve({ refused: keys }, signal)
      const second = sameCredentials(keys, others) ? answer : await ask(others, signal)
      if (!isStsRefusal(second)) return second
      throw new GatewayError(
        'unavailable',
        `the STS ${sts.url} refused AssumeRole to the keys of the source ${base.source} (${saidBySts(second)}); check that they are good and may assume ${roleArn}`,
      )
    },
  }
}

interface SignedForm {
  readonly url: URL
  readonly body: string
  readonly region: string
  readonly date: Date
}

function signature(
  { url, body, region, date }: SignedForm,
  { accessKey, secretKey, sessionToken }: StoreCredentials,
): Readonly<Record<string, string>> {
  const sha256 = createHash('sha256').update(body).digest('hex')
  const headers = {
    host: url.host,
    'x-amz-content-sha256': sha256,
    'x-amz-date': date.toISOString().replace(/[-:]|\.\d+/g, ''),
    ...(sessionToken !== undefined && { 'x-amz-security-token': sessionToken.reveal() }),
  }
  const form = { protocol: url.protocol, method: 'POST', path: url.pathname, headers }
  const secret = secretKey.reveal()
  const authorization = signV4(form, accessKey, secret, region, date, sha256, 'sts')
  return { ...headers, authorization }
}
