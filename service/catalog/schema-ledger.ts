import { hash as digest } from 'node:crypto'
import type { Field } from '../arrow/arrow-type.ts'
import type { RecordArchive } from '../footers/footer-archive.ts'
import type { ObjectVersion } from '../objects/object-store.ts'
import type { Table } from './table-folders.ts'

/** What one version of a file contributed to its table: equal ones are the same object. */
export interface FileSchema {
  readonly fields: readonly Field[]
}

export interface SchemaLedgerOptions {
  /** Names the store. */
  readonly storeId: string
  /** Files of all tables together, about 100 bytes each. */
  readonly filesMax: number
  /** Keeps the ledger over a restart; absent: it is lost then, and footers tell again. */
  readonly archive?: RecordArchive
}

/** One table's files and what they contributed, while a description of the table is made. */
export interface TableLedger {
  /** Undefined: not known. */
  get(object: ObjectVersion): FileSchema | undefined
  /** Files that are neither got nor set are forgotten when the description is made. */
  set(object: ObjectVersion, fields: readonly Field[]): FileSchema
  /** The description is made. */
  close(): void
}

/** More is not written: a record of a million files. */
const RECORD_FILES_MAX = 1_000_000
const HASH_BYTES = 12
const NUMBER_BYTES = 4
const ENTRY_BYTES = HASH_BYTES + NUMBER_BYTES

/** Schemas by hashes of key and ETag. */
type Known = ReadonlyMap<string, FileSchema>

/**
 * Remembers what each version of each file contributed to its table's schema, so that a table with some new files
 * costs their footers and no others. The table not described for the longest time is forgotten first.
 */
export class SchemaLedger {
  readonly #options: SchemaLedgerOptions
  /** By bucket and prefix, the longest unused first. */
  readonly #tables = new Map<string, Known>()
  #fileCount = 0

  constructor(options: SchemaLedgerOptions) {
    this.#options = options
  }

  /** Files of all tables. */
  get fileCount(): number {
    return this.#fileCount
  }

  /** What is known of a table's files, from memory or the archive. */
  async open({ bucket, prefix }: Pick<Table, 'bucket' | 'prefix'>): Promise<TableLedger> {
    const { storeId, archive } = this.#options
    const name = JSON.stringify(['schemas', storeId, bucket, prefix])
    const held = this.#tables.get(name)
    const record = held ? undefined : await archive?.get(name)
    const restored = record && decodeKnown(record)
    if (record && !restored) archive?.discard(name)
    const before: Known = held ?? restored ?? new Map()
    const now = new Map<string, FileSchema>()
    const remember = (hash: string, schema: FileSchema): void => {
      if (now.size < this.#options.filesMax) now.set(hash, schema)
    }
    const bySchema = new Map([...new Set(before.values())].map((one) => [textOf(one), one]))
    return {
      get(object) {
        const hash = hashOf(object)
        const known = before.get(hash)
        if (known) remember(hash, known)
        return known
      },
      set(object, fields) {
        const text = textOf({ fields })
        const schema = bySchema.get(text) ?? { fields }
        bySchema.set(text, schema)
        remember(hashOf(object), schema)
        return schema
      },
      close: () => {
        const isSame = before.size === now.size && [...now.keys()].every((hash) => before.has(hash))
        this.#keep(name, now)
        if (!isSame && now.size <= RECORD_FILES_MAX) archive?.put(name, encodeKnown(now))
      },
    }
  }

  #keep(name: string, known: Known): void {
    this.#forget(name)
    this.#tables.set(name, known)
    this.#fileCount += known.size
    for (const oldest of this.#tables.keys()) {
      if (this.#fileCount <= this.#options.filesMax) break
      this.#forget(oldest)
    }
  }

  #forget(name: string): void {
    this.#fileCount -= this.#tables.get(name)?.size ?? 0
    this.#tables.delete(name)
  }
}

/** Part of a sha256: no two of a table's files share it by chance. */
function hashOf({ key, etag }: ObjectVersion): string {
  return digest('sha256', `${key}\0${etag}`, 'buffer').toString('latin1', 0, HASH_BYTES)
}

/** Fields are plain data: JSON has all of it. */
function textOf({ fields }: FileSchema): string {
  return JSON.stringify(fields)
}

/** The length of a JSON array of schemas, the array; then a hash and the number of its schema for each file. */
function encodeKnown(known: Known): Uint8Array {
  const numbers = new Map([...new Set(known.values())].map((schema, at) => [schema, at]))
  const schemas = Buffer.from(JSON.stringify([...numbers.keys()].map(({ fields }) => fields)))
  const start = NUMBER_BYTES + schemas.length
  const record = Buffer.alloc(start + known.size * ENTRY_BYTES)
  record.writeUInt32LE(schemas.length)
  record.set(schemas, NUMBER_BYTES)
  let at = start
  for (const [hash, schema] of known) {
    record.write(hash, at, 'latin1')
    record.writeUInt32LE(numbers.get(schema) ?? 0, at + HASH_BYTES)
    at += ENTRY_BYTES
  }
  return record
}

/** Undefined: it is no such record. What its JSON means is trusted: the archive gives back what was put, or nothing. */
function decodeKnown(record: Uint8Array): Known | undefined {
  const bytes = Buffer.from(record.buffer, record.byteOffset, record.byteLength)
  try {
    let at = NUMBER_BYTES + bytes.readUInt32LE()
    const listed: readonly (readonly Field[])[] = JSON.parse(
      bytes.toString('utf8', NUMBER_BYTES, at),
    )
    const schemas = listed.map((fields): FileSchema => ({ fields }))
    const known = new Map<string, FileSchema>()
    for (; at < bytes.length; at += ENTRY_BYTES) {
      const schema = schemas[bytes.readUInt32LE(at + HASH_BYTES)]
      if (!schema) return undefined
      known.set(bytes.toString('latin1', at, at + HASH_BYTES), schema)
    }
    return known
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof RangeError) return undefined
    throw error
  }
}
