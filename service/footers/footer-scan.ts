import { CHUNK_SLOTS, readChunk, type ScanFlags } from './chunk-table.ts'
import { CHUNK_BYTES_MIN, KEY_VALUES_MAX, ROW_GROUPS_MAX } from './footer-limits.ts'
import type { SchemaNode } from './parquet-schema.ts'
import type { SchemaShelf } from './schema-shelf.ts'
import { STOP, type ThriftReader } from './thrift-reader.ts'

/** What the thrift says, structurally sound but not yet checked against the file. */
export interface FooterScan {
  readonly schema: SchemaNode
  readonly rowCount: number
  readonly createdBy: string
  readonly keyValues: readonly (readonly [string, string])[]
  /** Rows of each row group. */
  readonly groupRows: Float64Array
  /** `CHUNK_SLOTS` numbers per chunk, row group by row group, in the order of the leaves. */
  readonly chunks: Float64Array
  /** Why the file cannot be read although it may be sound. */
  readonly unsupported: string | undefined
}

interface RowGroups {
  readonly groupRows: Float64Array
  readonly chunks: Float64Array
}

/** One pass over `FileMetaData` (parquet.thrift). The reader's `fail` is called for whatever is malformed. */
export function scanFooter(reader: ThriftReader, shelf: SchemaShelf): FooterScan {
  let schema: SchemaNode | undefined
  let groups: RowGroups | undefined
  let rowCount = -1
  let createdBy = ''
  let keyValues: [string, string][] = []
  const flags: ScanFlags = { unsupported: undefined }
  for (let id = reader.field(0); id !== STOP; id = reader.field(id)) {
    if (id === 2 && schema === undefined) schema = shelf.read(reader)
    else if (id === 3) rowCount = reader.integer()
    else if (id === 4 && schema !== undefined && groups === undefined) {
      groups = readRowGroups(reader, countLeaves(schema), flags)
    } else if (id === 2 || id === 4) reader.fail('schema and row groups are out of order')
    else if (id === 5) keyValues = readKeyValues(reader)
    else if (id === 6) createdBy = reader.text()
    else {
      if (id === 8) flags.unsupported = 'its columns are encrypted'
      reader.skip()
    }
  }
  if (schema === undefined) return reader.fail('it has no schema')
  if (groups === undefined) return reader.fail('it has no list of row groups')
  if (rowCount < 0) reader.fail('it has no number of rows')
  return { schema, rowCount, createdBy, keyValues, ...groups, ...flags }
}

export function countLeaves(node: SchemaNode): number {
  if (node.physicalType !== null) return 1
  return node.children.reduce((sum, child) => sum + countLeaves(child), 0)
}

function readRowGroups(reader: ThriftReader, leafCount: number, flags: ScanFlags): RowGroups {
  const count = reader.structs()
  if (count > ROW_GROUPS_MAX) reader.fail(`it has ${count} row groups, more than ${ROW_GROUPS_MAX}`)
  // Memory is bounded by the bytes that are there, not by what the lists claim.
  const chunksMax = Math.ceil((reader.end - reader.position) / CHUNK_BYTES_MIN)
  const chunks = new Float64Array(Math.min(count * leafCount, chunksMax) * CHUNK_SLOTS)
  const groupRows = new Float64Array(count)
  for (let group = 0; group < count; group++) {
    groupRows[group] = readRowGroup(reader, chunks, {
      firstChunk: group * leafCount,
      leafCount,
      flags,
    })
  }
  return { groupRows, chunks }
}

/** Fields of `RowGroup`; answers its number of rows. */
function readRowGroup(
  reader: ThriftReader,
  chunks: Float64Array,
  group: { readonly firstChunk: number; readonly leafCount: number; readonly flags: ScanFlags },
): number {
  let rowCount = -1
  let seen = false
  for (let id = reader.field(0); id !== STOP; id = reader.field(id)) {
    if (id === 1) {
      const count = reader.structs()
      if (count !== group.leafCount || seen) {
        reader.fail(`a row group has ${count} column chunks for ${group.leafCount} columns`)
      }
      seen = true
      for (let leaf = 0; leaf < count; leaf++) {
        readChunk(reader, {
          chunks,
          at: (group.firstChunk + leaf) * CHUNK_SLOTS,
          flags: group.flags,
        })
      }
    } else if (id === 3) rowCount = reader.integer()
    else reader.skip()
  }
  if (rowCount < 0) reader.fail('a row group has no number of rows')
  if (!seen && group.leafCount > 0) reader.fail('a row group has no column chunks')
  return rowCount
}

/** List of `KeyValue`. */
function readKeyValues(reader: ThriftReader): [string, string][] {
  const count = reader.structs()
  if (count > KEY_VALUES_MAX) {
    reader.fail(`it has ${count} key-values, more than ${KEY_VALUES_MAX}`)
  }
  return Array.from({ length: count }, () => {
    let key = ''
    let value = ''
    for (let id = reader.field(0); id !== STOP; id = reader.field(id)) {
      if (id === 1) key = reader.text()
      else if (id === 2) value = reader.text()
      else reader.skip()
    }
    return [key, value]
  })
}
