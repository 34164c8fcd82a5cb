import { createHash } from 'node:crypto'

/** `SPWR`, the version of this layout, the name's length, the checksum; then the name and the bytes. */
const MAGIC = Buffer.from('SPWR\u0001', 'latin1')
const LENGTH_BYTES = 4
const CHECKSUM_BYTES = 16
const HEADER_BYTES = MAGIC.length + LENGTH_BYTES + CHECKSUM_BYTES

/** A record as a file has it. */
export function sealRecord(name: string, bytes: Uint8Array): Uint8Array {
  const named = Buffer.from(name)
  const length = Buffer.alloc(LENGTH_BYTES)
  length.writeUInt32LE(named.length)
  return Buffer.concat([MAGIC, length, checksum(named, bytes), named, bytes])
}

/** The bytes of a record of this name; undefined: the file is something else. */
export function openRecord(sealed: Uint8Array, name: string): Uint8Array | undefined {
  const file = Buffer.from(sealed.buffer, sealed.byteOffset, sealed.byteLength)
  if (file.length < HEADER_BYTES || !file.subarray(0, MAGIC.length).equals(MAGIC)) return undefined
  const named = Buffer.from(name)
  const end = HEADER_BYTES + named.length
  if (file.readUInt32LE(MAGIC.length) !== named.length) return undefined
  if (!file.subarray(HEADER_BYTES, end).equals(named)) return undefined
  const bytes = file.subarray(end)
  const told = file.subarray(MAGIC.length + LENGTH_BYTES, HEADER_BYTES)
  return told.equals(checksum(named, bytes)) ? bytes : undefined
}

/** Guards against damage, not against whoever may write to the folder. */
function checksum(name: Uint8Array, bytes: Uint8Array): Buffer {
  return createHash('sha256').update(name).update(bytes).digest().subarray(0, CHECKSUM_BYTES)
}
