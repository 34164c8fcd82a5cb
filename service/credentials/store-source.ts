import type { EcsRoleOptions } from './ecs-role.ts'
import type { Ec2RoleOptions } from './ec2-role.ts'
import type { Secret } from './secret.ts'

/** Where the objects are and who we are there: settings, not parts. */
export type StoreSource =
  | { readonly kind: 'file'; /** `file:///folder`. */ readonly url: string }
  | ({
      readonly kind: 's3'
      /** `http(s)://host[:port]`; absent: the secret's `server`, reached by `scheme`. */
      readonly url?: string
      readonly scheme: 'http' | 'https'
      readonly region: string
      readonly caFile: string | undefined
    } & CredentialsSettings)

/** The sources of credentials that the settings name; several are a chain, in the order of these lines. */
export interface CredentialsSettings {
  readonly static?: StaticKeys
  /** `file:///…` of a module of the operator's. */
  readonly moduleUrl?: string
  /** Name or ARN of a Secrets Manager secret `{access_key, secret_key, server}`. */
  readonly secretName?: string
  /** Of a web identity token. */
  readonly tokenFile?: string
  /** With a token file: its role. Without: what the keys of the other sources assume. */
  readonly roleArn?: string
  /** `http(s)://host[:port]`; absent: the store's own. */
  readonly stsUrl?: string
  /** Data is read with a session of the caller's, which those keys or that token ask for. */
  readonly hasCallerSessions?: boolean
  /** Asked after all others. */
  readonly ecs?: EcsRoleOptions
  readonly ec2?: Ec2RoleOptions
}

export interface StaticKeys {
  readonly accessKey: string
  readonly secretKey: Secret
  readonly sessionToken?: Secret
}
