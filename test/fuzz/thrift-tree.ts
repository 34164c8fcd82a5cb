import { Buffer } from 'node:buffer'
import { STOP, type ThriftReader, thriftTypes } from '../../service/footers/thrift-reader.ts'

/** A thrift value, to be changed and written again. */
export type ThriftNode =
  | { kind: 'integer'; type: number; value: number }
  | { kind: 'flag'; value: boolean }
  | { kind: 'binary'; bytes: Uint8Array }
  | ThriftStruct
  /** A list of structs; it may claim another count than it has. */
  | { kind: 'structs'; claimed: number; elements: ThriftStruct[] }
  /** Anything else, as it is. */
  | { kind: 'raw'; type: number; bytes: Uint8Array }

export interface ThriftStruct {
  kind: 'struct'
  fields: ThriftField[]
}

export interface ThriftField {
  id: number
  node: ThriftNode
}

/** Reads the struct at the reader's position. */
export function readStruct(reader: ThriftReader): ThriftStruct {
  const fields: ThriftField[] = []
  for (let id = reader.field(0); id !== STOP; id = reader.field(id)) {
    fields.push({ id, node: readNode(reader) })
  }
  return { kind: 'struct', fields }
}

function readNode(reader: ThriftReader): ThriftNode {
  const type = reader.fieldType
  switch (type) {
    case thriftTypes.true:
    case thriftTypes.false:
      return { kind: 'flag', value: reader.boolean() }
    case thriftTypes.i16:
    case thriftTypes.i32:
    case thriftTypes.i64:
      return { kind: 'integer', type, value: reader.integer() }
    case thriftTypes.binary:
      return { kind: 'binary', bytes: Uint8Array.from(reader.binary()) }
    case thriftTypes.struct:
      return readStruct(reader)
    case thriftTypes.list:
      if (((reader.bytes[reader.position] ?? 0) & 15) === thriftTypes.struct) {
        const claimed = reader.structs()
        return {
          kind: 'structs',
          claimed,
          elements: Array.from({ length: claimed }, () => readStruct(reader)),
        }
      }
  }
  const start = reader.position
  reader.skip()
  return { kind: 'raw', type, bytes: reader.bytes.slice(start, reader.position) }
}

/** The struct in the compact protocol. */
export function writeStruct({ fields }: ThriftStruct): Uint8Array {
  const parts: Uint8Array[] = []
  let previous = 0
  for (const { id, node } of fields) {
    const delta = id - previous
    const type = typeOf(node)
    if (delta > 0 && delta < 16) parts.push(Uint8Array.of((delta << 4) | type))
    else parts.push(Uint8Array.of(type), varint(zigzag(id)))
    parts.push(writeNode(node))
    previous = id
  }
  parts.push(Uint8Array.of(0))
  return Buffer.concat(parts)
}

function typeOf(node: ThriftNode): number {
  switch (node.kind) {
    case 'flag':
      return node.value ? thriftTypes.true : thriftTypes.false
    case 'binary':
      return thriftTypes.binary
    case 'struct':
      return thriftTypes.struct
    case 'structs':
      return thriftTypes.list
    default:
      return node.type
  }
}

function writeNode(node: ThriftNode): Uint8Array {
  switch (node.kind) {
    case 'integer':
      return varint(zigzag(node.value))
    case 'flag':
      return new Uint8Array(0)
    case 'binary':
      return Buffer.concat([varint(node.bytes.length), node.bytes])
    case 'struct':
      return writeStruct(node)
    case 'structs': {
      const { claimed, elements } = node
      const head =
        claimed < 15
          ? Uint8Array.of((claimed << 4) | thriftTypes.struct)
          : Buffer.concat([Uint8Array.of(0xf0 | thriftTypes.struct), varint(claimed)])
      return Buffer.concat([head, ...elements.map(writeStruct)])
    }
    case 'raw':
      return node.bytes
  }
}

function zigzag(value: number): number {
  return value < 0 ? -2 * value - 1 : 2 * value
}

function varint(value: number): Uint8Array {
  const bytes: number[] = []
  let rest = value
  while (rest > 127 && bytes.length < 9) {
    bytes.push((rest % 128) | 128)
    rest = Math.floor(rest / 128)
  }
  return Uint8Array.from([...bytes, rest & 127])
}

/** One field of a tree, with the ids that lead to it (`4.1.3.9`; lists are passed through) and its struct. */
export interface FoundField {
  readonly path: string
  readonly field: ThriftField
  readonly parent: ThriftStruct
}

/** All fields of a struct and of those in it. */
export function* fieldsOf(parent: ThriftStruct, above = ''): Generator<FoundField> {
  for (const field of parent.fields) {
    const path = `${above}${field.id}`
    yield { path, field, parent }
    if (field.node.kind === 'struct') yield* fieldsOf(field.node, `${path}.`)
    if (field.node.kind === 'structs') {
      for (const element of field.node.elements) yield* fieldsOf(element, `${path}.`)
    }
  }
}

/** The field with this id. */
export function fieldOf(struct: ThriftStruct | undefined, id: number): ThriftNode | undefined {
  return struct?.fields.find((field) => field.id === id)?.node
}

/** The n-th element of the list that is the field with this id. */
export function elementOf(
  struct: ThriftStruct | undefined,
  id: number,
  index: number,
): ThriftStruct | undefined {
  const list = fieldOf(struct, id)
  return list?.kind === 'structs' ? list.elements[index] : undefined
}
