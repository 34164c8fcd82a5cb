import { createCipheriv, type CipherGCMTypes } from 'node:crypto'
import type { EncryptionKey } from './athena-messages.ts'
import { ConnectorError } from './errors.ts'

const nonceBytes = 12
const tagBytes = 16
/** Node gives each step's ciphertext memory of its own; so much stays in the processor's cache until it is copied. */
const stepBytes = 256 * 1024

const algorithmOfKeyBytes: ReadonlyMap<number, CipherGCMTypes> = new Map([
  [16, 'aes-128-gcm'],
  [24, 'aes-192-gcm'],
  [32, 'aes-256-gcm'],
])

/** Plain pieces to the bytes of the object. */
export type SealBlock = (pieces: readonly Uint8Array[]) => Uint8Array

/**
 * Seals blocks as Athena opens them: AES-GCM, no additional data, the tag after the ciphertext, the nonce not
 * in the object. The protocol has one key and one nonce for all blocks of a split. Null: nothing is encrypted.
 * @throws {ConnectorError} invalid_request when the key is not 16, 24 or 32 bytes or the nonce not 12
 */
export function blockSealer(encryptionKey: EncryptionKey | null): SealBlock {
  if (encryptionKey === null) return (pieces) => Buffer.concat(pieces)
  const key = Buffer.from(encryptionKey.key, 'base64')
  const nonce = Buffer.from(encryptionKey.nonce, 'base64')
  const algorithm = algorithmOfKeyBytes.get(key.length)
  if (algorithm === undefined || nonce.length !== nonceBytes)
    throw new ConnectorError(
      'invalid_request',
      `split.encryptionKey has a key of ${key.length} bytes and a nonce of ${nonce.length}, expected 16, 24 or 32 and 12`,
    )
  return (pieces) => {
    const cipher = createCipheriv(algorithm, key, nonce)
    const sealed = Buffer.allocUnsafeSlow(
      pieces.reduce((sum, piece) => sum + piece.length, tagBytes),
    )
    let at = 0
    for (const piece of pieces) {
      for (let start = 0; start < piece.length; start += stepBytes) {
        at += cipher.update(piece.subarray(start, start + stepBytes)).copy(sealed, at)
      }
    }
    cipher.final()
    cipher.getAuthTag().copy(sealed, at)
    return sealed
  }
}
