import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager'
import type { TokenSettings } from './config.ts'
import { ConnectorError } from './errors.ts'
import type { TokenSource } from './gateway-client.ts'

/** The bearer token, from where the settings say. One from Secrets Manager is kept until `renew`. */
export function openTokenSource(settings: TokenSettings, region: string): TokenSource {
  if (settings.kind === 'none') return fixedToken(null)
  if (settings.kind === 'text') return fixedToken(settings.token)
  const client = new SecretsManagerClient({ region })
  let kept: string | null = null
  return {
    async token(signal) {
      kept ??= await readSecret(client, settings.secretId, signal)
      return kept
    },
    renew() {
      kept = null
      return true
    },
  }
}

function fixedToken(token: string | null): TokenSource {
  return { token: async () => token, renew: () => false }
}

async function readSecret(
  client: SecretsManagerClient,
  secretId: string,
  signal: AbortSignal,
): Promise<string> {
  let text: string | undefined
  try {
    const answer = await client.send(new GetSecretValueCommand({ SecretId: secretId }), {
      abortSignal: signal,
    })
    text = answer.SecretString
  } catch (cause) {
    signal.throwIfAborted()
    throw secretError(secretId, cause)
  }
  const token = tokenIn(text ?? '')
  if (token === null)
    throw new ConnectorError(
      'unauthenticated',
      `secret ${secretId} holds no token, expected the token itself or {"token": "…"}`,
    )
  return token
}

/** The secret is the token, or a JSON object that has it as `token`. */
function tokenIn(text: string): string | null {
  const trimmed = text.trim()
  if (!trimmed.startsWith('{')) return isHeaderWord(trimmed) ? trimmed : null
  try {
    const { token } = JSON.parse(trimmed) as { token?: unknown }
    return typeof token === 'string' && isHeaderWord(token) ? token : null
  } catch {
    return null
  }
}

function isHeaderWord(text: string): boolean {
  return /^[\x21-\x7e]+$/.test(text)
}

function secretError(secretId: string, cause: unknown): ConnectorError {
  const name = cause instanceof Error ? cause.name : 'unknown error'
  if (name === 'AccessDeniedException')
    return new ConnectorError(
      'forbidden',
      `secret ${secretId} may not be read: allow secretsmanager:GetSecretValue on it`,
      { cause },
    )
  if (name === 'ResourceNotFoundException')
    return new ConnectorError('unauthenticated', `secret ${secretId} does not exist`, { cause })
  return new ConnectorError('unavailable', `secret ${secretId} cannot be read: ${name}`, { cause })
}
