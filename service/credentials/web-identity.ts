import { GatewayError } from '../errors.ts'
import { askSts, isStsRefusal, saidBySts } from './ask-sts.ts'
import type { StsAddress, StsRefusal } from './ask-sts.ts'
import type { Secret } from './secret.ts'
import type { CredentialsProvider } from './store-credentials.ts'
import type { FileToken, TokenFile } from './token-file.ts'

export interface WebIdentityOptions {
  readonly file: TokenFile
  readonly sts: StsAddress
  /** Absent: the token's own claim names the policies (MinIO's claim mode). */
  readonly roleArn?: string
  /** What the session may do at most, as JSON; absent: all that role or claim allow. */
  readonly policy?: string
}

/** How the session is called where the STS asks for a name. */
export const SESSION_NAME = 'spillway'

/**
 * Exchanges the token of a file for a session that lives as long as the token. What the STS says of the token goes
 * into the error, the token never.
 */
export function webIdentity(options: WebIdentityOptions): CredentialsProvider {
  const { file, sts, roleArn, policy } = options
  const exchange = (token: Secret, signal: AbortSignal) => {
    const role = roleArn === undefined ? {} : { RoleArn: roleArn, RoleSessionName: SESSION_NAME }
    const limits = policy === undefined ? {} : { Policy: policy }
    const parameters = { WebIdentityToken: token.reveal(), ...role, ...limits }
    return askSts({ action: 'AssumeRoleWithWebIdentity', parameters }, sts, signal)
  }
  const refused = ({ token }: FileToken, refusal: StsRefusal): GatewayError => {
    const said = saidBySts(refusal).replaceAll(token.reveal(), '[token]')
    return new GatewayError(
      'unavailable',
      `the STS ${sts.url} refused the token in ${file.path} (${said}); check its issuer, audience and ${roleArn === undefined ? 'policy claim' : 'role'}, a new one is read as soon as the file changes`,
    )
  }

  return {
    source: 'web-identity',
    changed: () => file.changed(),
    async retrieve(_, signal) {
      for (;;) {
        const found = await file.read(signal)
        const answer = await exchange(found.token, signal)
        if (!isStsRefusal(answer)) return answer
        if (found.endsMs === undefined || found.endsMs > sts.nowMs()) throw refused(found, answer)
        // It has just ended: the owner may be about to replace it.
        if (!(await file.awaitChange(signal))) throw file.ended(found)
      }
    },
  }
}
