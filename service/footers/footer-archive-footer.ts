import { GatewayError } from '../errors.ts'
import type { ObjectVersion } from '../objects/object-store.ts'
import type { Footer } from './footer.ts'
import { MAGIC_BYTES, TRAILER_BYTES } from './footer-limits.ts'
import { parseFooter } from './parse-footer.ts'
import type { SchemaShelf } from './schema-shelf.ts'

const LENGTH_BYTES = 2

/** A footer with the version that it was read from. */
export interface ArchivedFooter {
  readonly footer: Footer
  readonly versionId: string | undefined
}

/** The version's name with its length before it, then the end of the file as the file has it. */
export function archiveFooter({ footer, versionId = '' }: ArchivedFooter): Uint8Array {
  const version = Buffer.from(versionId)
  const start = LENGTH_BYTES + version.length
  const record = Buffer.alloc(start + footer.bytes.length + TRAILER_BYTES)
  record.writeUInt16LE(version.length)
  record.set(version, LENGTH_BYTES)
  record.set(footer.bytes, start)
  record.writeUInt32LE(footer.bytes.length, start + footer.bytes.length)
  record.write('PAR1', record.length - MAGIC_BYTES, 'latin1')
  return record
}

/** The footer, parsed and checked as one that was read; undefined: the record is no footer of this object. */
export function restoreFooter(
  record: Uint8Array,
  object: ObjectVersion,
  shelf?: SchemaShelf,
): ArchivedFooter | undefined {
  const bytes = Buffer.from(record.buffer, record.byteOffset, record.byteLength)
  const start = bytes.length < LENGTH_BYTES ? 0 : LENGTH_BYTES + bytes.readUInt16LE()
  if (start === 0 || start + TRAILER_BYTES > bytes.length) return undefined
  const versionId = bytes.toString('utf8', LENGTH_BYTES, start) || undefined
  const tail = new Uint8Array(record.buffer, record.byteOffset + start, record.length - start)
  try {
    return { footer: parseFooter(tail, object, shelf), versionId }
  } catch (error) {
    if (error instanceof GatewayError) return undefined
    throw error
  }
}
