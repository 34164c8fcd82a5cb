import { randomBytes } from 'node:crypto'
import { GenerateDataKeyCommand, GenerateRandomCommand, KMSClient } from '@aws-sdk/client-kms'
import type { EncryptionKey } from './athena-messages.ts'
import type { EncryptionSettings } from './config.ts'
import { ConnectorError } from './errors.ts'

/** As many keys as asked, each for one split; null where nothing is encrypted. */
export type MakeDataKeys = (
  count: number,
  signal: AbortSignal,
) => Promise<readonly (EncryptionKey | null)[]>

const localKeyBytes = 32
const nonceBytes = 12
/** KMS gives at most 1,024 random bytes a call. */
const noncesPerCallMax = Math.floor(1_024 / nonceBytes)
/** A page has up to 1,000 splits; KMS throttles an account by calls per second. */
const kmsCallsInFlightMax = 16

/** Keys as the settings say: none, 32 random bytes, or 16 bytes from KMS. */
export function openDataKeys(settings: EncryptionSettings, region: string): MakeDataKeys {
  if (settings.kind === 'none') return async (count) => times(count, () => null)
  if (settings.kind === 'local') return async (count) => times(count, localKey)
  return kmsKeys(settings.keyId, new KMSClient({ region }))
}

function localKey(): EncryptionKey {
  return keyOf(randomBytes(localKeyBytes), randomBytes(nonceBytes))
}

function kmsKeys(keyId: string, client: KMSClient): MakeDataKeys {
  return async (count, signal) => {
    const keys: EncryptionKey[] = []
    try {
      const nonces = await kmsNonces(client, count, signal)
      for (let start = 0; start < count; start += kmsCallsInFlightMax) {
        const batch = nonces.slice(start, start + kmsCallsInFlightMax)
        const made = batch.map(async (nonce) => keyOf(await kmsKey(client, keyId, signal), nonce))
        keys.push(...(await Promise.all(made)))
      }
    } catch (cause) {
      signal.throwIfAborted()
      throw kmsError(keyId, cause)
    }
    return keys
  }
}

async function kmsKey(client: KMSClient, keyId: string, signal: AbortSignal): Promise<Uint8Array> {
  const command = new GenerateDataKeyCommand({ KeyId: keyId, KeySpec: 'AES_128' })
  const { Plaintext: key } = await client.send(command, { abortSignal: signal })
  if (key === undefined) throw new Error('GenerateDataKey gave no key')
  return key
}

async function kmsNonces(
  client: KMSClient,
  count: number,
  signal: AbortSignal,
): Promise<readonly Uint8Array[]> {
  const nonces: Uint8Array[] = []
  while (nonces.length < count) {
    const wanted = Math.min(noncesPerCallMax, count - nonces.length)
    const command = new GenerateRandomCommand({ NumberOfBytes: wanted * nonceBytes })
    const { Plaintext: bytes } = await client.send(command, { abortSignal: signal })
    if (bytes?.length !== wanted * nonceBytes) throw new Error('GenerateRandom gave too little')
    nonces.push(
      ...times(wanted, (index) => bytes.subarray(index * nonceBytes, (index + 1) * nonceBytes)),
    )
  }
  return nonces
}

function kmsError(keyId: string, cause: unknown): ConnectorError {
  const name = cause instanceof Error ? cause.name : 'unknown error'
  if (name === 'AccessDeniedException')
    return new ConnectorError(
      'forbidden',
      `KMS key ${keyId} (kms_key_id) may not be used: allow kms:GenerateDataKey on it and kms:GenerateRandom`,
      { cause },
    )
  const code = /^(NotFound|Disabled|KMSInvalidState|InvalidKeyUsage)/.test(name)
    ? 'invalid_request'
    : 'unavailable'
  return new ConnectorError(code, `KMS key ${keyId} (kms_key_id) gave no data key: ${name}`, {
    cause,
  })
}

function keyOf(key: Uint8Array, nonce: Uint8Array): EncryptionKey {
  return {
    key: Buffer.from(key).toString('base64'),
    nonce: Buffer.from(nonce).toString('base64'),
  }
}

function times<T>(count: number, make: (index: number) => T): T[] {
  return Array.from({ length: count }, (_, index) => make(index))
}
