import type { StsAddress } from './ask-sts.ts'
import { assumeRole } from './assume-role.ts'
import { moduleCredentials } from './credentials-module.ts'
import { ec2Role } from './ec2-role.ts'
import { ecsRole } from './ecs-role.ts'
import { providerChain } from './provider-chain.ts'
import { secretsManagerProvider } from './secrets-manager-credentials.ts'
import { staticProvider } from './store-credentials.ts'
import type { CredentialsProvider } from './store-credentials.ts'
import type { CredentialsSettings } from './store-source.ts'
import { TokenFile } from './token-file.ts'
import { webIdentity } from './web-identity.ts'

export interface NamedProvidersOptions {
  readonly sts: StsAddress
  readonly region: string
}

/** MinIO wants an ARN that is well formed, and gives the session the rights of the keys that ask. */
const ANY_ROLE_ARN = 'arn:aws:iam::000000000000:role/spillway'

/**
 * The sources that the settings name, as one; undefined: they name none. A role without a token file is assumed with
 * the keys of all the others.
 */
export function namedProviders(
  settings: CredentialsSettings,
  { sts, region }: NamedProvidersOptions,
): CredentialsProvider | undefined {
  const { tokenFile, roleArn } = settings
  const chain = chainOf([
    ...givenKeys(settings),
    ...tokenProviders(settings, { sts }),
    ...roleKeys(settings),
  ])
  if (chain === undefined || roleArn === undefined || tokenFile !== undefined) return chain
  return assumeRole({ base: chain, sts, roleArn, region })
}

/**
 * The same sources, but what they give is a session that may do no more than a policy allows; undefined: the settings
 * name none.
 */
export function sessionProviders(
  settings: CredentialsSettings,
  { sts, region }: NamedProvidersOptions,
  policy: string,
): CredentialsProvider | undefined {
  const { tokenFile, roleArn } = settings
  const roleOfKeys = (tokenFile === undefined ? roleArn : undefined) ?? ANY_ROLE_ARN
  const sessions = (keys: readonly CredentialsProvider[]) => {
    const base = chainOf(keys)
    return base ? [assumeRole({ base, sts, roleArn: roleOfKeys, region, policy })] : []
  }
  return chainOf([
    ...sessions(givenKeys(settings)),
    ...tokenProviders(settings, { sts, policy }),
    ...sessions(roleKeys(settings)),
  ])
}

function chainOf(providers: readonly CredentialsProvider[]): CredentialsProvider | undefined {
  const [first, ...others] = providers
  return first && providerChain([first, ...others])
}

function givenKeys(settings: CredentialsSettings): readonly CredentialsProvider[] {
  const { moduleUrl, secretName } = settings
  return [
    ...(settings.static ? [staticProvider(settings.static)] : []),
    ...(moduleUrl === undefined ? [] : [moduleCredentials(moduleUrl)]),
    ...(secretName === undefined ? [] : [secretsManagerProvider({ secretName })]),
  ]
}

function roleKeys({ ecs, ec2 }: CredentialsSettings): readonly CredentialsProvider[] {
  return [
    ...(ecs === undefined ? [] : [ecsRole(ecs)]),
    ...(ec2 === undefined ? [] : [ec2Role(ec2)]),
  ]
}

function tokenProviders(
  { tokenFile: path, roleArn }: CredentialsSettings,
  { sts, policy }: { readonly sts: StsAddress; readonly policy?: string },
): readonly CredentialsProvider[] {
  if (path === undefined) return []
  const file = new TokenFile({ path, nowMs: sts.nowMs })
  const limits = {
    ...(roleArn !== undefined && { roleArn }),
    ...(policy !== undefined && { policy }),
  }
  return [webIdentity({ file, sts, ...limits })]
}
