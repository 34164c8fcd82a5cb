import { generateKeyPairSync, sign } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

/** As MinIO is told by `MINIO_IDENTITY_OPENID_CLIENT_ID`. */
export const clientId = 'spillway'

export interface TokenRequest {
  /** Of its life; negative: it ended so long ago. Default an hour. */
  readonly seconds?: number
  /** Added to `sub`, `aud`, `iss`, `iat` and `exp`. */
  readonly claims?: Readonly<Record<string, unknown>>
  /** Default the provider's own. */
  readonly key?: KeyObject
}

/** An OpenID Connect provider, as much of it as checking tokens takes. */
export interface IdentityProvider {
  /** The discovery document. */
  readonly configurationUrl: string
  /** A signed token. */
  token(request?: TokenRequest): string
  close(): Promise<void>
}

/** A key that the provider does not know. */
export function foreignKey(): KeyObject {
  return generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey
}

export async function startIdentityProvider(): Promise<IdentityProvider> {
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const keyNames = { kid: 'first', alg: 'RS256', use: 'sig' }
  const keys = [{ ...publicKey.export({ format: 'jwk' }), ...keyNames }]
  const server = createServer((request, answer) => {
    const documents: Record<string, object> = {
      '/.well-known/openid-configuration': {
        issuer,
        jwks_uri: `${issuer}/keys`,
        authorization_endpoint: `${issuer}/authorize`,
        token_endpoint: `${issuer}/token`,
        response_types_supported: ['code'],
        subject_types_supported: ['public'],
        id_token_signing_alg_values_supported: ['RS256'],
      },
      '/keys': { keys },
    }
    const document = documents[request.url ?? '']
    answer.writeHead(document ? 200 : 404, { 'content-type': 'application/json' })
    answer.end(JSON.stringify(document ?? {}))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return {
    configurationUrl: `${issuer}/.well-known/openid-configuration`,
    token({ seconds = 3_600, claims = {}, key = privateKey } = {}) {
      const now = Math.floor(Date.now() / 1_000)
      const life = { iat: now - 60, exp: now + seconds }
      const payload = { iss: issuer, sub: 'gateway', aud: clientId, ...life, ...claims }
      const text = [{ ...keyNames, typ: 'JWT' }, payload].map(encoded).join('.')
      return `${text}.${sign('sha256', Buffer.from(text), key).toString('base64url')}`
    },
    async close() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

function encoded(part: object): string {
  return Buffer.from(JSON.stringify(part)).toString('base64url')
}
