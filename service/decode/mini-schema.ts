import assert from 'node:assert'

import { groupShape } from '../footers/arrow-fields.ts'
import { annotatedType } from '../footers/arrow-leaf.ts'
import { type Footer, physicalTypes } from '../footers/footer.ts'
import { readSchema, repetitions, type SchemaNode } from '../footers/parquet-schema.ts'
import { STOP, ThriftReader } from '../footers/thrift-reader.ts'
import { ThriftWriter } from './thrift-writer.ts'

/** Id of `schema` in parquet.thrift's `FileMetaData`. */
const SCHEMA_FIELD = 2

/**
 * The schema elements of the chosen top-level columns below a new root: a list body in thrift. Elements are
 * copied; where our Arrow field ignores an element's annotation, so must the decoder: it is left out. Widened leaves
 * are bare int64.
 */
export function writeMiniSchema(
  footer: Footer,
  columnIndexes: readonly number[],
  widened: ReadonlySet<number>,
): { elementCount: number; bytes: Uint8Array } {
  const root = schemaOf(footer)
  const writer = new ThriftWriter()
  let elementCount = 1
  writer.element(() => {
    writer.text(4, 'schema')
    writer.small(5, columnIndexes.length)
  })
  let leafIndex = 0
  const write = (node: SchemaNode): void => {
    elementCount += 1
    const isWidened = node.physicalType !== null && widened.has(leafIndex++)
    if (isWidened)
      writer.element(() => writePlain(writer, { ...node, physicalType: 'int64', annotation: null }))
    else if (isPlain(node)) writer.element(() => writePlain(writer, node))
    else writer.raw(footer.bytes.subarray(node.span.start, node.span.end))
    node.children.forEach(write)
  }
  for (const index of columnIndexes) {
    const column = root.children[index]
    assert(column !== undefined, `there is no column ${index}`)
    leafIndex = footer.columns[index]?.leafStart ?? 0
    write(column)
  }
  return { elementCount, bytes: writer.finish(0) }
}

/** The root of the file's schema, read anew: footers do not keep it. */
export function schemaOf(footer: Footer): SchemaNode {
  const reader = new ThriftReader(footer.bytes, 0, failScanned)
  for (let id = reader.field(0); id !== STOP; id = reader.field(id)) {
    if (id === SCHEMA_FIELD) return readSchema(reader)
    reader.skip()
  }
  return failScanned('no schema')
}

/** The footer was scanned before: it cannot fail now. */
function failScanned(what: string): never {
  assert.fail(`a footer changed after it was checked: ${what}`)
}

/** Members of parquet.thrift's `TimeUnit`; there are no seconds. */
const unitIds = { second: 1, millisecond: 1, microsecond: 2, nanosecond: 3 } as const

function isPlain(node: SchemaNode): boolean {
  if (node.annotation?.kind === 'timestamp') return true
  if (node.physicalType !== null) return annotatedType(node, failScanned) === undefined
  return groupShape(node).kind === 'struct'
}

/** An element without annotation, but for a timestamp's: its legacy form does not say whether it is in UTC. */
function writePlain(writer: ThriftWriter, node: SchemaNode): void {
  if (node.physicalType !== null) writer.small(1, physicalTypes.indexOf(node.physicalType))
  if (node.typeLength > 0) writer.small(2, node.typeLength)
  writer.small(3, repetitions.indexOf(node.repetition))
  writer.text(4, node.name)
  if (node.physicalType === null) writer.small(5, node.children.length)
  const { annotation } = node
  if (annotation?.kind === 'timestamp' && node.physicalType === 'int64') {
    writer.struct(10, () =>
      writer.struct(8, () => {
        writer.flag(1, annotation.utc)
        writer.struct(2, () => writer.struct(unitIds[annotation.unit], () => {}))
      }),
    )
  }
}
