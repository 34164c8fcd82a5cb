import type { ByteRange } from '../objects/byte-range.ts'
import { SCHEMA_DEPTH_MAX, SCHEMA_ELEMENTS_MAX } from './footer-limits.ts'
import { type PhysicalType, physicalTypes } from './footer.ts'
import { type Annotation, readConvertedType, readLogicalType } from './parquet-annotation.ts'
import { STOP, type ThriftReader } from './thrift-reader.ts'

/** By number in parquet.thrift, `FieldRepetitionType`. */
export const repetitions = ['required', 'optional', 'repeated'] as const
export type Repetition = (typeof repetitions)[number]

/** An element of the file's schema with the elements below it. */
export interface SchemaNode {
  readonly name: string
  readonly repetition: Repetition
  /** Null for a group. */
  readonly physicalType: PhysicalType | null
  /** Bytes of a fixed_len_byte_array value, else 0. */
  readonly typeLength: number
  readonly annotation: Annotation | null
  readonly fieldId: number | undefined
  readonly children: readonly SchemaNode[]
  /** Where the element's struct lies in the footer's bytes. */
  readonly span: ByteRange
}

interface SchemaElement extends Omit<SchemaNode, 'children'> {
  readonly childCount: number
}

/** Reads the field `schema` (a list of elements in depth-first order) into a tree; answers its root. */
export function readSchema(reader: ThriftReader): SchemaNode {
  const count = reader.structs()
  if (count === 0) reader.fail('the schema is empty')
  if (count > SCHEMA_ELEMENTS_MAX) {
    reader.fail(`the schema has ${count} elements, more than ${SCHEMA_ELEMENTS_MAX}`)
  }
  const elements = Array.from({ length: count }, (_, index) => readElement(reader, index === 0))
  let next = 0
  const build = (depthLeft: number): SchemaNode => {
    const element = elements[next++]
    if (element === undefined) return reader.fail('the schema lacks elements')
    if (depthLeft === 0) reader.fail(`the schema nests more than ${SCHEMA_DEPTH_MAX} levels deep`)
    const { childCount, ...node } = element
    return { ...node, children: Array.from({ length: childCount }, () => build(depthLeft - 1)) }
  }
  const root = build(SCHEMA_DEPTH_MAX)
  if (next !== count) reader.fail('the schema has elements that belong to no group')
  return root
}

/** Fields of parquet.thrift, `SchemaElement`. */
function readElement(reader: ThriftReader, isRoot: boolean): SchemaElement {
  const start = reader.position
  let name = ''
  let type = -1
  let typeLength = 0
  let repetition = 0
  let childCount = 0
  let converted = -1
  let scale = 0
  let precision = 0
  let fieldId: number | undefined
  let logical: Annotation | null | undefined
  for (let id = reader.field(0); id !== STOP; id = reader.field(id)) {
    if (id === 1) type = reader.integer()
    else if (id === 2) typeLength = reader.integer()
    else if (id === 3) repetition = reader.integer()
    else if (id === 4) name = reader.text()
    else if (id === 5) childCount = reader.integer()
    else if (id === 6) converted = reader.integer()
    else if (id === 7) scale = reader.integer()
    else if (id === 8) precision = reader.integer()
    else if (id === 9) fieldId = reader.integer()
    else if (id === 10) logical = readLogicalType(reader)
    else reader.skip()
  }
  // Arrow's C data interface ends names with a zero byte.
  if (name.includes('\0')) reader.fail(`the column name ${quote(name)} has a zero byte`)
  const physicalType =
    type === -1
      ? null
      : (physicalTypes[type] ?? reader.fail(`column ${quote(name)} has the unknown type ${type}`))
  if (physicalType === null) checkGroup(reader, { name, childCount, isRoot })
  if (physicalType !== null && (isRoot || childCount !== 0))
    reader.fail(`column ${quote(name)} is both value and group`)
  if (physicalType === 'fixed_len_byte_array' && typeLength <= 0)
    reader.fail(`column ${quote(name)} has values of ${typeLength} bytes`)
  return {
    name,
    repetition:
      repetitions[isRoot ? 0 : repetition] ??
      reader.fail(`column ${quote(name)} has the unknown repetition ${repetition}`),
    physicalType,
    typeLength: physicalType === 'fixed_len_byte_array' ? typeLength : 0,
    annotation:
      logical === undefined ? readConvertedType(converted, { precision, scale }) : logical,
    fieldId,
    childCount,
    span: { start, end: reader.position },
  }
}

function checkGroup(
  reader: ThriftReader,
  group: { name: string; childCount: number; isRoot: boolean },
): void {
  const { name, childCount, isRoot } = group
  const enough = isRoot ? 0 : 1
  if (childCount < enough || childCount > SCHEMA_ELEMENTS_MAX) {
    reader.fail(`group ${quote(name)} has ${childCount} columns`)
  }
}

function quote(name: string): string {
  return JSON.stringify(name)
}
