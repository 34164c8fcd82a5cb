import type { Secret } from './secret.ts'

/** Where the objects are and who we are there: settings, not parts. */
export type StoreSource =
  | { readonly kind: 'file'; /** `file:///folder`. */ readonly url: string }
  | {
      readonly kind: 's3'
      /** `http(s)://host[:port]`; absent: the secret's `server`, reached by `scheme`. */
      readonly url?: string
      readonly scheme: 'http' | 'https'
      readonly region: string
      readonly caFile: string | undefined
      readonly static?: StaticKeys
      /** Name or ARN of a Secrets Manager secret `{access_key, secret_key, server}`. */
      readonly secretName?: string
    }

export interface StaticKeys {
  readonly accessKey: string
  readonly secretKey: Secret
  readonly sessionToken?: Secret
}
