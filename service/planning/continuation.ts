import { formatTableName } from '../catalog/table-folders.ts'
import type { TableName } from '../catalog/table-name.ts'
import { RIGHTS_DIGEST_BYTES } from '../credentials/caller.ts'
import { GatewayError } from '../errors.ts'
import type { ObjectVersion } from '../objects/object-store.ts'
import { ByteReader } from './byte-reader.ts'
import { ByteWriter } from './byte-writer.ts'
import type { RemainingFiles } from './remaining-files.ts'
import { YOUNG_FILES_MAX } from './remaining-files.ts'
import type { TicketHolder, TicketKeys } from './ticket-keys.ts'
import { assertSameRights, notOurs } from './ticket-keys.ts'

/** How far a plan has come. */
export interface PlanPosition {
  /** The table's files up to this key are dealt with… */
  readonly afterKey: string
  /** …but for the row groups of the last one from this one on. */
  readonly openFile?: { readonly object: ObjectVersion; readonly groupStart: number }
}

/** Where the next page of a plan begins, and what it must find there. */
export interface Continuation {
  readonly table: TableName
  readonly position: PlanPosition
  readonly remaining: RemainingFiles
  /** Milliseconds since the epoch. */
  readonly expiresMs: number
}

/** More than any name, key or ETag takes. */
const TEXT_BYTES_MAX = 4_096
const HASH_BYTES = 8
/** Names, two keys and the young files, sealed, in base64url: what is longer was not made here. */
const TOKEN_CHARACTERS_MAX = 65_536

/** A token of base64url that only gateways with these keys can read, for its holder. */
export function sealContinuation(
  continuation: Continuation,
  keys: TicketKeys,
  holder: TicketHolder,
): string {
  const { table, position, remaining, expiresMs } = continuation
  const out = new ByteWriter()
  out.bytes(holder.rightsDigest)
  out.number(expiresMs)
  out.text(table.schema)
  out.text(table.table)
  writeRemaining(out, remaining)
  out.text(position.afterKey)
  const { openFile } = position
  out.byte(openFile ? 1 : 0)
  if (openFile) {
    const { bucket, etag, sizeBytes, versionId } = openFile.object
    for (const text of [bucket, etag, versionId ?? '']) out.text(text)
    out.number(sizeBytes)
    out.number(openFile.groupStart)
  }
  return keys.seal('continuation', out.written(), holder.caller).toString('base64url')
}

export interface OpenContinuationOptions {
  readonly keys: TicketKeys
  /** Who shows the token. */
  readonly holder: TicketHolder
  /** The table of the request: a token of another table's plan is refused. */
  readonly table: TableName
  /** Milliseconds since the epoch. */
  readonly nowMs: number
}

/**
 * @throws {GatewayError} `invalid_request` it is no token of ours for this caller and table, its time is over, or the
 *   caller's rights were changed since.
 */
export function openContinuation(token: string, options: OpenContinuationOptions): Continuation {
  const { keys, holder, table, nowMs } = options
  if (token.length > TOKEN_CHARACTERS_MAX) throw notOurs('continuation')
  const sealed = Buffer.from(token, 'base64url')
  const plain = keys.open('continuation', sealed, holder.caller)
  const continuation = decodeContinuation(plain.subarray(RIGHTS_DIGEST_BYTES))
  if (!isSameTable(continuation.table, table)) {
    throw new GatewayError(
      'invalid_request',
      `the continuation token belongs to another table than ${formatTableName(table)}; plan again`,
    )
  }
  assertSameRights(plain.subarray(0, RIGHTS_DIGEST_BYTES), holder.rightsDigest, table)
  if (continuation.expiresMs > nowMs) return continuation
  const expired = new Date(continuation.expiresMs).toISOString()
  throw new GatewayError(
    'invalid_request',
    `the continuation token expired at ${expired}; plan again`,
  )
}

function isSameTable(left: TableName, right: TableName): boolean {
  return isSameName(left.schema, right.schema) && isSameName(left.table, right.table)
}

function isSameName(left: string, right: string): boolean {
  return left.toLowerCase() === right.toLowerCase()
}

function decodeContinuation(plain: Buffer): Continuation {
  const from = new ByteReader(plain, () => {
    throw notOurs('continuation')
  })
  const expiresMs = from.number()
  const table = { schema: from.text(TEXT_BYTES_MAX), table: from.text(TEXT_BYTES_MAX) }
  const remaining = readRemaining(from)
  const afterKey = from.text(TEXT_BYTES_MAX)
  const openFile = from.byte() === 1 ? readOpenFile(from, afterKey) : undefined
  from.end()
  return { table, position: { afterKey, ...(openFile && { openFile }) }, remaining, expiresMs }
}

function readOpenFile(from: ByteReader, key: string): PlanPosition['openFile'] {
  const [bucket, etag, versionId] = [0, 1, 2].map(() => from.text(TEXT_BYTES_MAX))
  const sizeBytes = from.number()
  const groupStart = from.number()
  const version = versionId ? { versionId } : {}
  return {
    object: { bucket: bucket ?? '', key, etag: etag ?? '', sizeBytes, ...version },
    groupStart,
  }
}

function writeRemaining(out: ByteWriter, { total, seenBeforeMs, young }: RemainingFiles): void {
  out.number(total.count)
  writeHash(out, total.sum)
  out.number(seenBeforeMs)
  out.number(young.size)
  for (const hash of young) writeHash(out, hash)
}

function readRemaining(from: ByteReader): RemainingFiles {
  const total = { count: from.number(), sum: readHash(from) }
  const seenBeforeMs = from.number()
  const count = from.number(YOUNG_FILES_MAX)
  const young = new Set(Array.from({ length: count }, () => readHash(from)))
  return { total, seenBeforeMs, young }
}

function writeHash(out: ByteWriter, hash: bigint): void {
  const bytes = Buffer.alloc(HASH_BYTES)
  bytes.writeBigUInt64LE(hash)
  out.bytes(bytes)
}

function readHash(from: ByteReader): bigint {
  return from.bytes(HASH_BYTES).readBigUInt64LE()
}
