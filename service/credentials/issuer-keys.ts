import { readFile } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import type { JWTVerifyGetKey } from 'jose'
import { createLocalJWKSet, createRemoteJWKSet, customFetch } from 'jose'
import { GatewayError } from '../errors.ts'
import { askHttp } from './ask-http.ts'

/** A key set is asked for again after so long, and at once for a key it does not have, but so often only. */
const KEYS_KEPT_MS = 600_000
const KEYS_COOLDOWN_MS = 30_000
const KEYS_TIMEOUT_MS = 5_000

/**
 * The keys of an issuer: asked for when they are first needed, or read from a file, which may change, for each token.
 *
 * @throws {GatewayError} `invalid_request` the file cannot be read, or holds no key set.
 */
export async function issuerKeys(jwks: string, callersFile: string): Promise<JWTVerifyGetKey> {
  if (/^https?:\/\//i.test(jwks)) return remoteKeys(new URL(jwks))
  const path = resolve(dirname(callersFile), jwks)
  await readKeys(path)
  return async (header, token) => (await readKeys(path))(header, token)
}

async function readKeys(path: string): Promise<JWTVerifyGetKey> {
  try {
    return createLocalJWKSet(JSON.parse(await readFile(path, 'utf8')))
  } catch (error) {
    const why = error instanceof Error && 'code' in error ? String(error.code) : 'not JSON'
    throw new GatewayError('invalid_request', `the key set ${path} cannot be used (${why})`, {
      cause: error,
    })
  }
}

function remoteKeys(url: URL): JWTVerifyGetKey {
  return createRemoteJWKSet(url, {
    cacheMaxAge: KEYS_KEPT_MS,
    cooldownDuration: KEYS_COOLDOWN_MS,
    timeoutDuration: KEYS_TIMEOUT_MS,
    // Bounded, and without redirects, which jose's own would be too; but of any length.
    [customFetch]: async (_, { signal }) => {
      const question = { method: 'GET', url, name: 'the key set of the issuer' } as const
      const { status, text } = await askHttp(
        { ...question, headers: { accept: 'application/json' }, timeoutMs: KEYS_TIMEOUT_MS },
        signal,
      )
      return new Response(text, { status })
    },
  })
}
