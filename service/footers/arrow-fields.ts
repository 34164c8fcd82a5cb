import type { ArrowType, Field } from '../arrow/arrow-type.ts'
import { leafType } from './arrow-leaf.ts'
import type { SchemaNode } from './parquet-schema.ts'
import type { Fail } from './thrift-reader.ts'

/** Where arrow-cpp and arrow-rs keep a field's id and the name of an extension type. */
const FIELD_ID_KEY = 'PARQUET:field_id'
const EXTENSION_NAME_KEY = 'ARROW:extension:name'

/** What a group of columns is: Parquet's LogicalTypes.md, "Nested Types", with its rules for legacy writers. */
export type GroupShape =
  | { readonly kind: 'struct' }
  /** The element is a node of its own, or (legacy) the repeated node itself. */
  | { readonly kind: 'list'; readonly element: SchemaNode; readonly elementIsRepeated: boolean }
  | { readonly kind: 'map'; readonly key: SchemaNode; readonly value: SchemaNode }

/**
 * The Arrow field of a column, as pyarrow reads a file without ARROW:schema. A list's child keeps its Parquet
 * name; a map's parts are called `entries`, `key` and `value`, and its key is not nullable.
 */
export function arrowField(node: SchemaNode, fail: Fail): Field {
  if (node.repetition !== 'repeated') return bareField(node, node.repetition === 'optional', fail)
  // A repeated field outside a list is a list of required elements.
  const child = bareField(node, false, fail)
  return { name: node.name, type: { kind: 'list', child }, nullable: false }
}

function bareField(node: SchemaNode, nullable: boolean, fail: Fail): Field {
  const metadata = metadataOf(node)
  const type = node.physicalType === null ? groupType(node, fail) : leafType(node, fail)
  return { name: node.name, type, nullable, ...(metadata === undefined ? {} : { metadata }) }
}

function groupType(node: SchemaNode, fail: Fail): ArrowType {
  const shape = groupShape(node)
  switch (shape.kind) {
    case 'list':
      return {
        kind: 'list',
        child: shape.elementIsRepeated
          ? bareField(shape.element, false, fail)
          : arrowField(shape.element, fail),
      }
    case 'map': {
      const key = { ...arrowField(shape.key, fail), name: 'key', nullable: false }
      const value = { ...arrowField(shape.value, fail), name: 'value' }
      const entries: ArrowType = { kind: 'struct', children: [key, value] }
      return {
        kind: 'map',
        keysSorted: false,
        entries: { name: 'entries', type: entries, nullable: false },
      }
    }
    case 'struct':
      return { kind: 'struct', children: node.children.map((child) => arrowField(child, fail)) }
  }
}

/** Groups whose annotation does not fit what lies below them are structs. */
export function groupShape(node: SchemaNode): GroupShape {
  const kind = node.annotation?.kind
  const [repeated] = node.children
  if (node.repetition === 'repeated' || (kind !== 'list' && kind !== 'map'))
    return { kind: 'struct' }
  if (repeated?.repetition !== 'repeated' || node.children.length !== 1) return { kind: 'struct' }
  const [key, value, ...more] = repeated.children
  // A map of keys alone is a list: LogicalTypes.md, "Maps".
  if (kind === 'list' || (key !== undefined && value === undefined))
    return listShape(node, repeated)
  const isMap = key?.repetition !== 'repeated' && value?.repetition !== 'repeated'
  if (key === undefined || value === undefined || !isMap || more.length > 0)
    return { kind: 'struct' }
  return { kind: 'map', key, value }
}

function listShape(list: SchemaNode, repeated: SchemaNode): GroupShape {
  const [element, ...more] = repeated.children
  if (element === undefined || more.length > 0)
    return { kind: 'list', element: repeated, elementIsRepeated: true }
  const elementIsRepeated =
    element.repetition !== 'repeated' &&
    (repeated.name === 'array' || repeated.name === `${list.name}_tuple`)
  return { kind: 'list', element: elementIsRepeated ? repeated : element, elementIsRepeated }
}

function metadataOf(node: SchemaNode): Readonly<Record<string, string>> | undefined {
  const metadata = {
    ...(node.fieldId === undefined ? {} : { [FIELD_ID_KEY]: String(node.fieldId) }),
    ...(node.annotation?.kind === 'uuid' && node.typeLength === 16
      ? { [EXTENSION_NAME_KEY]: 'arrow.uuid' }
      : {}),
  }
  return Object.keys(metadata).length === 0 ? undefined : metadata
}
