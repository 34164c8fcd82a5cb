import { GatewayError } from '../errors.ts'
import type { HttpAnswer } from './ask-http.ts'
import { Secret } from './secret.ts'
import type { StoreCredentials } from './store-credentials.ts'

/**
 * Credentials out of what the metadata services of ECS and EC2 answer.
 *
 * @param name who answered, for messages
 * @throws {GatewayError} `unavailable` it is something else; none of it is quoted.
 */
export function roleAnswer(name: string, { status, text }: HttpAnswer): StoreCredentials {
  const fields = status === 200 ? parseFields(text) : new Map<string, unknown>()
  const [accessKey, secretKey, token] = ['AccessKeyId', 'SecretAccessKey', 'Token'].map((field) =>
    textOf(fields.get(field)),
  )
  const expiresMs = Date.parse(textOf(fields.get('Expiration')) ?? '')
  if (accessKey === undefined || secretKey === undefined)
    throw new GatewayError(
      'unavailable',
      `${name} gave no credentials (status ${status}); check that a role is attached`,
    )
  return {
    accessKey,
    secretKey: new Secret(secretKey),
    ...(token !== undefined && { sessionToken: new Secret(token) }),
    ...(!Number.isNaN(expiresMs) && { expiresMs }),
  }
}

/** The members of a JSON object; none when it is anything else. */
export function parseFields(text: string): ReadonlyMap<string, unknown> {
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value === 'object' && value !== null) return new Map(Object.entries(value))
  } catch {
    // The parser's message quotes the text, which may be a secret.
  }
  return new Map()
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined
}
