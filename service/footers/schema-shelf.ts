import { Buffer } from 'node:buffer'
import type { FileColumn, Leaf } from './footer.ts'
import { readSchema, type SchemaNode } from './parquet-schema.ts'
import type { ThriftReader } from './thrift-reader.ts'

/** The columns of a file. */
export interface FileColumns {
  readonly leaves: readonly Leaf[]
  readonly columns: readonly FileColumn[]
}

interface HintedColumns extends FileColumns {
  readonly hint: string | undefined
}

/** Tables that are planned at the same time, in some versions of their schema. */
const SCHEMAS_MAX = 256
/** A thousand columns; longer ones are read each time. */
const SCHEMA_BYTES_MAX = 64 * 1024

/**
 * Schemas by their bytes. Files of one table say the same: what was read of one is the others' too, which spares
 * half of the time that a small footer takes, and memory. The longest unused are dropped first.
 */
export class SchemaShelf {
  readonly #schemas = new Map<string, SchemaNode>()
  /** Of each schema the last. */
  readonly #columns = new WeakMap<SchemaNode, HintedColumns>()

  /** Reads the field `schema`, as `readSchema`. */
  read(reader: ThriftReader): SchemaNode {
    const { position: start, bytes } = reader
    reader.skip()
    const end = reader.position
    if (end - start > SCHEMA_BYTES_MAX) return readAt(reader, start)
    // A node knows where it stands.
    const text = Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString('latin1')
    const name = `${start} ${text}`
    const schema = this.#schemas.get(name) ?? readAt(reader, start)
    this.#schemas.delete(name)
    this.#schemas.set(name, schema)
    for (const oldest of this.#schemas.keys()) {
      if (this.#schemas.size <= SCHEMAS_MAX) break
      this.#schemas.delete(oldest)
    }
    return schema
  }

  /** The columns of a schema that was read here, with the writer's Arrow schema as it stands in the file. */
  columns(schema: SchemaNode, hint: string | undefined, make: () => FileColumns): FileColumns {
    const known = this.#columns.get(schema)
    if (known !== undefined && known.hint === hint) return known
    const made = { ...make(), hint }
    this.#columns.set(schema, made)
    return made
  }
}

function readAt(reader: ThriftReader, start: number): SchemaNode {
  const { position: end } = reader
  reader.position = start
  const schema = readSchema(reader)
  if (reader.position !== end) reader.fail('the schema is not a list')
  return schema
}
