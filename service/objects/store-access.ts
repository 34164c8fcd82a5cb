import { readFileSync } from 'node:fs'
import { CachedCredentials } from '../credentials/cached-credentials.ts'
import { namedProviders, sessionProviders } from '../credentials/named-providers.ts'
import { readStoreSecret } from '../credentials/secrets-manager-credentials.ts'
import type { ReportingCredentials } from '../credentials/store-credentials.ts'
import { staticCredentials, staticProvider } from '../credentials/store-credentials.ts'
import { StoreSessions } from '../credentials/store-sessions.ts'
import { Secret } from '../credentials/secret.ts'
import type { StoreSource } from '../credentials/store-source.ts'
import { GatewayError } from '../errors.ts'
import type { StoreConnection } from './open-store.ts'

/** How to reach the store, and who we are there. */
export interface StoreAccess {
  readonly connection: StoreConnection
  readonly credentials: ReportingCredentials
  /** With what callers' data is read; absent: with the same. */
  readonly sessions?: StoreSessions
}

/** A gateway that cannot read its secret within this time should say so, not hang. */
const SECRET_TIMEOUT_MS = 15_000

/**
 * Turns settings into a connection: reads the authority's file, and the secret when it names the server.
 *
 * @throws {GatewayError} `unavailable` the secret cannot be read or names no server; `invalid_request` the
 *   authority's file cannot be read.
 */
export async function storeAccess(source: StoreSource): Promise<StoreAccess> {
  if (source.kind === 'file') return { connection: source, credentials: noCredentials() }
  const { region, caFile } = source
  const url = source.url ?? (await secretServer(source))
  const authority = caFile === undefined ? {} : { certificateAuthority: readAuthority(caFile) }
  const connection = { kind: 's3', url, region, ...authority } as const
  const sts = { url: source.stsUrl ?? url, nowMs: Date.now, ...authority }
  const provider = namedProviders(source, { sts, region })
  return {
    connection,
    credentials: provider ? new CachedCredentials({ provider }) : noCredentials(),
    ...(source.hasCallerSessions === true && {
      sessions: new StoreSessions({
        providerOf: (policy) =>
          sessionProviders(source, { sts, region }, policy) ?? staticProvider(noKeys),
      }),
    }),
  }
}

const noKeys = { accessKey: '', secretKey: new Secret('') }

/** A folder asks for none, and a public bucket takes empty ones. */
function noCredentials(): ReportingCredentials {
  return staticCredentials(noKeys)
}

async function secretServer(source: Extract<StoreSource, { kind: 's3' }>): Promise<string> {
  const secretName = source.secretName ?? ''
  const { server } = await readStoreSecret({ secretName }, AbortSignal.timeout(SECRET_TIMEOUT_MS))
  if (server === undefined) {
    throw new GatewayError(
      'unavailable',
      `the secret ${secretName} names no server; add "server" to it or set SPILLWAY_STORE_URL`,
    )
  }
  return /^https?:\/\//.test(server) ? server : `${source.scheme}://${server}`
}

function readAuthority(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (cause) {
    throw new GatewayError('invalid_request', `SPILLWAY_STORE_CA_FILE ${path} cannot be read`, {
      cause,
    })
  }
}
