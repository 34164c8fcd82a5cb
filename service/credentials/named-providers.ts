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

/**
 * The sources that the settings name, as one; undefined: they name none. A role without a token file is assumed with
 * the keys of all the others.
 */
export function namedProviders(
  settings: CredentialsSettings,
  { sts, region }: NamedProvidersOptions,
): CredentialsProvider | undefined {
  const { moduleUrl, secretName, tokenFile: path, roleArn, ecs, ec2 } = settings
  const [first, ...others] = [
    ...(settings.static ? [staticProvider(settings.static)] : []),
    ...(moduleUrl === undefined ? [] : [moduleCredentials(moduleUrl)]),
    ...(secretName === undefined ? [] : [secretsManagerProvider({ secretName })]),
    ...(path === undefined ? [] : [webIdentityOf(path, sts, roleArn)]),
    ...(ecs === undefined ? [] : [ecsRole(ecs)]),
    ...(ec2 === undefined ? [] : [ec2Role(ec2)]),
  ]
  if (first === undefined) return undefined
  const chain = providerChain([first, ...others])
  if (roleArn === undefined || path !== undefined) return chain
  return assumeRole({ base: chain, sts, roleArn, region })
}

function webIdentityOf(
  path: string,
  sts: StsAddress,
  roleArn: string | undefined,
): CredentialsProvider {
  const file = new TokenFile({ path, nowMs: sts.nowMs })
  return webIdentity({ file, sts, ...(roleArn !== undefined && { roleArn }) })
}
