import assert from 'node:assert'
import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto'
import { formatTableName } from '../catalog/table-folders.ts'
import type { TableName } from '../catalog/table-name.ts'
import { GatewayError } from '../errors.ts'

/** What sealed bytes are for; those of one kind do not open as the other. */
export type SealedKind = 'split' | 'continuation'

/** Whose sealed bytes are: nobody else opens them, nor does the same caller once it may see something else. */
export interface TicketHolder {
  /** The caller's name. */
  readonly caller: string
  /** Of what the caller may see of the table. */
  readonly rightsDigest: Uint8Array
}

/** Changes when the layout of sealed bytes does. */
const SEAL_VERSION = 4
const KEY_BYTES = 32
const KEY_ID_BYTES = 4
/** Random, as gateways share keys but no counter: good for 2^32 tickets a key (NIST SP 800-38D, 8.3). */
const NONCE_BYTES = 12
const TAG_BYTES = 16
const HEADER_BYTES = 1 + KEY_ID_BYTES
/** What sealing adds. */
export const SEAL_BYTES = HEADER_BYTES + NONCE_BYTES + TAG_BYTES
/** Nothing larger is opened. */
const SEALED_BYTES_MAX = 8 * 1024 * 1024

/**
 * The keys of tickets: the first seals, all open, so that keys can be changed without a break. Sealed bytes are
 * version, key id, nonce, AES-256-GCM's ciphertext and tag; version, key id, kind and caller are authenticated too, so
 * that the bytes of another caller are no different from forged ones.
 */
export class TicketKeys {
  readonly #sealing: Buffer
  /** Of what it seals. */
  readonly #header: Buffer
  readonly #byId = new Map<string, Buffer>()

  /** Base64 of 32 bytes each. None: a random key, and only this process opens its tickets. */
  constructor(encoded: readonly string[]) {
    const given = encoded.map((key) => Buffer.from(key, 'base64'))
    const keys = given.length === 0 ? [randomBytes(KEY_BYTES)] : given
    for (const key of keys) {
      assert(key.length === KEY_BYTES, 'a ticket key has 32 bytes')
      this.#byId.set(keyId(key).toString('hex'), key)
    }
    const [sealing] = keys
    assert(sealing)
    this.#sealing = sealing
    this.#header = Buffer.concat([Buffer.of(SEAL_VERSION), keyId(sealing)])
  }

  seal(kind: SealedKind, plain: Uint8Array, caller: string): Buffer {
    const nonce = randomBytes(NONCE_BYTES)
    const header = this.#header
    const cipher = createCipheriv('aes-256-gcm', this.#sealing, nonce)
    cipher.setAAD(authenticated(header, kind, caller))
    const sealed = Buffer.concat([cipher.update(plain), cipher.final()])
    return Buffer.concat([header, nonce, sealed, cipher.getAuthTag()])
  }

  /** @throws {GatewayError} `invalid_request` we did not seal these bytes as this kind for this caller. */
  open(kind: SealedKind, sealed: Uint8Array, caller: string): Buffer {
    const bytes = Buffer.from(sealed.buffer, sealed.byteOffset, sealed.byteLength)
    const header = bytes.subarray(0, HEADER_BYTES)
    const key = this.#byId.get(header.subarray(1).toString('hex'))
    const fits = bytes.length >= SEAL_BYTES && bytes.length <= SEALED_BYTES_MAX
    if (!fits || header[0] !== SEAL_VERSION || !key) throw notOurs(kind)
    const nonce = bytes.subarray(HEADER_BYTES, HEADER_BYTES + NONCE_BYTES)
    const decipher = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: TAG_BYTES })
    decipher.setAAD(authenticated(header, kind, caller))
    decipher.setAuthTag(bytes.subarray(-TAG_BYTES))
    const plain = decipher.update(bytes.subarray(HEADER_BYTES + NONCE_BYTES, -TAG_BYTES))
    try {
      return Buffer.concat([plain, decipher.final()])
    } catch (cause) {
      throw notOurs(kind, cause)
    }
  }
}

/**
 * Refuses what was made under other rights than the caller has now.
 *
 * @throws {GatewayError} `invalid_request` they differ, or the table does not exist for the caller any more.
 */
export function assertSameRights(
  sealed: Uint8Array,
  current: Uint8Array | undefined,
  table: TableName,
): void {
  if (current !== undefined && Buffer.compare(sealed, current) === 0) return
  throw new GatewayError(
    'invalid_request',
    `what the caller may see of ${formatTableName(table)} was changed; plan again`,
  )
}

/** The error of a ticket or token that no key of ours opens. */
export function notOurs(kind: SealedKind, cause?: unknown): GatewayError {
  const what = kind === 'split' ? 'ticket' : 'continuation token'
  return new GatewayError(
    'invalid_request',
    `the ${what} is not one of this gateway's: it was altered or its key is gone; plan again`,
    { cause },
  )
}

function authenticated(header: Uint8Array, kind: SealedKind, caller: string): Buffer {
  return Buffer.concat([header, Buffer.from(`${kind}\0${caller}`)])
}

function keyId(key: Buffer): Buffer {
  return createHash('sha256')
    .update('spillway ticket key')
    .update(key)
    .digest()
    .subarray(0, KEY_ID_BYTES)
}
