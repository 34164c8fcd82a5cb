import { GatewayError } from '../errors.ts'
import { askSts, isStsRefusal, saidBySts } from './ask-sts.ts'
import type { StsAddress } from './ask-sts.ts'
import type { CredentialsProvider } from './store-credentials.ts'
import type { TokenFile } from './token-file.ts'

export interface WebIdentityOptions {
  readonly file: TokenFile
  readonly sts: StsAddress
  /** Absent: the token's own claim names the policies (MinIO's claim mode). */
  readonly roleArn?: string
}

/** How the session is called where the STS asks for a name. */
export const SESSION_NAME = 'spillway'

/**
 * Exchanges the token of a file for a session that lives as long as the token. What the STS says of the token goes
 * into the error, the token never.
 */
export function webIdentity({ file, sts, roleArn }: WebIdentityOptions): CredentialsProvider {
  return {
    source: 'web-identity',
    changed: () => file.changed(),
    async retrieve(_, signal) {
      const found = await file.read(signal)
      const token = found.token.reveal()
      const role = roleArn === undefined ? {} : { RoleArn: roleArn, RoleSessionName: SESSION_NAME }
      const parameters = { WebIdentityToken: token, ...role }
      const answer = await askSts({ action: 'AssumeRoleWithWebIdentity', parameters }, sts, signal)
      if (!isStsRefusal(answer)) return answer
      if (found.endsMs !== undefined && found.endsMs <= sts.nowMs()) throw file.ended(found)
      const said = saidBySts(answer).replaceAll(token, '[token]')
      throw new GatewayError(
        'unavailable',
        `the STS ${sts.url} refused the token in ${file.path} (${said}); check its issuer, audience and ${roleArn === undefined ? 'policy claim' : 'role'}, a new one is read as soon as the file changes`,
      )
    },
  }
}
