import { createDecipheriv } from 'node:crypto'
import type { Readable } from 'node:stream'
import { GetObjectCommand, S3Client } from '@aws-sdk/client-s3'
import type { Schema } from 'apache-arrow'
import { GatewayError } from '../errors.ts'
import { decodeBase64, decodeRecords } from './arrow-blocks.ts'
import type { Block } from './arrow-blocks.ts'
import { broken } from './broken-rule.ts'
import { throwIfCancelled } from './invoke.ts'
import type { EncryptionKeyJson, SpillLocation, SplitJson } from './responses.ts'

/** A spilled object may be larger than a block by its metadata, or when one row alone is: Athena's rows end at 32 MB. */
const spilledObjectBytesMax = 48_000_000
/** Bytes of the GCM tag that ends an encrypted object, and of the nonce that does not travel in it. */
const tagBytes = 16
const nonceBytes = 12

/** Fetches spilled objects, whole. */
export interface SpillReader {
  read(location: SpillLocation, signal: AbortSignal): Promise<Uint8Array>
}

export interface S3SpillOptions {
  /** Another S3 server than AWS; then with path-style addresses. */
  readonly endpoint?: string
  readonly region?: string
  /** Default: the SDK's own chain. */
  readonly credentials?: {
    readonly accessKeyId: string
    readonly secretAccessKey: string
    readonly sessionToken?: string
  }
}

/** Reads spills from S3. `close` ends its connections. */
export function s3SpillReader(options: S3SpillOptions = {}): SpillReader & { close(): void } {
  const { endpoint, region, credentials } = options
  const client = new S3Client({
    ...(endpoint !== undefined && { endpoint, forcePathStyle: true, region: 'us-east-1' }),
    ...(region !== undefined && { region }),
    ...(credentials !== undefined && { credentials }),
    responseChecksumValidation: 'WHEN_REQUIRED',
  })
  return {
    async read(location, signal) {
      const { bucket: Bucket, key: Key } = location
      try {
        const command = new GetObjectCommand({ Bucket, Key })
        const object = await client.send(command, { abortSignal: signal })
        const sizeBytes = object.ContentLength ?? Number.POSITIVE_INFINITY
        // A body that nobody reads would keep its connection.
        if (sizeBytes > spilledObjectBytesMax) (object.Body as Readable | undefined)?.destroy()
        assertSize(sizeBytes, location)
        return (await object.Body?.transformToByteArray()) ?? new Uint8Array()
      } catch (reason) {
        throwIfCancelled(signal)
        if (reason instanceof GatewayError) throw reason
        throw broken('spill_object', `${uri(location)} cannot be read`, reason)
      }
    },
    close: () => client.destroy(),
  }
}

function assertSize(sizeBytes: number, location: SpillLocation): void {
  if (sizeBytes > spilledObjectBytesMax)
    throw broken(
      'spill_object',
      `${uri(location)} has ${sizeBytes} bytes, more than ${spilledObjectBytesMax}`,
    )
}

/** Refuses locations that are not `<split key>.0`, `.1` and so on, in order, in the split's bucket. */
export function assertNumbering(split: SplitJson, remoteBlocks: readonly SpillLocation[]): void {
  const base = split.spillLocation
  if (base === null)
    throw broken('spill_location', 'a spilled answer for a split without a spillLocation')
  for (const [number, location] of remoteBlocks.entries()) {
    const wanted = { bucket: base.bucket, key: `${base.key}.${number}` }
    if (location.bucket !== wanted.bucket || location.key !== wanted.key)
      throw broken(
        'spill_location',
        `remote block ${number} is ${uri(location)}, must be ${uri(wanted)} (dense from 0, in write order)`,
      )
    if (location.directory)
      throw broken('spill_location', `remote block ${number} has directory:true`)
  }
}

/** Refuses an answer whose key is not the split's. */
export function assertSameKey(split: SplitJson, found: EncryptionKeyJson | null): void {
  const wanted = split.encryptionKey
  if (wanted?.key !== found?.key || wanted?.nonce !== found?.nonce)
    throw broken(
      'encryption_key',
      `a spilled answer must repeat the split's key: the split has ${keyText(wanted)}, the answer ${keyText(found)}`,
    )
}

/** Refuses keys that AES-GCM cannot take here: 16, 24 or 32 bytes with a nonce of 12. */
export function assertKey(encryptionKey: EncryptionKeyJson): void {
  const { key, nonce } = decodeKey(encryptionKey)
  if (cipherOf(key) === undefined || nonce.byteLength !== nonceBytes)
    throw broken(
      'encryption_key',
      `a key of ${key.byteLength} bytes with a nonce of ${nonce.byteLength}; needed are 16, 24 or 32 and ${nonceBytes}`,
    )
}

function decodeKey({ key, nonce }: EncryptionKeyJson) {
  return { key: decodeBase64(key, 'a key'), nonce: decodeBase64(nonce, 'a nonce') }
}

function cipherOf(key: Buffer): 'aes-128-gcm' | 'aes-192-gcm' | 'aes-256-gcm' | undefined {
  const ciphers = { 16: 'aes-128-gcm', 24: 'aes-192-gcm', 32: 'aes-256-gcm' } as const
  return ciphers[key.byteLength as keyof typeof ciphers]
}

/** The rows in a spilled object: ciphertext with its tag, or plain when there is no key. */
export function decodeSpilledBlock(
  object: Uint8Array,
  encryptionKey: EncryptionKeyJson | null,
  schema: Schema,
  what: string,
): Block {
  const records = encryptionKey === null ? object : decrypt(object, encryptionKey, what)
  if (records.byteLength === 0) throw broken('spill_object', `${what} is empty`)
  return decodeRecords(schema, records, what)
}

function decrypt(object: Uint8Array, encryptionKey: EncryptionKeyJson, what: string): Buffer {
  assertKey(encryptionKey)
  const { key, nonce } = decodeKey(encryptionKey)
  const cipher = cipherOf(key)
  const bodyBytes = object.byteLength - tagBytes
  if (cipher === undefined || bodyBytes < 0)
    throw broken('spill_object', `${what} has ${object.byteLength} bytes, no room for a tag`)
  try {
    const decipher = createDecipheriv(cipher, key, nonce)
    decipher.setAuthTag(object.subarray(bodyBytes))
    return Buffer.concat([decipher.update(object.subarray(0, bodyBytes)), decipher.final()])
  } catch (reason) {
    throw broken(
      'spill_object',
      `${what} (${object.byteLength} bytes) does not open with the split's key of ${key.byteLength} bytes`,
      reason,
    )
  }
}

function uri({ bucket, key }: { readonly bucket: string; readonly key: string }): string {
  return `s3://${bucket}/${key}`
}

function keyText(encryptionKey: EncryptionKeyJson | null): string {
  return encryptionKey === null ? 'none' : `one of ${decodeKey(encryptionKey).key.byteLength} bytes`
}
