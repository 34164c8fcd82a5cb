import { Builder } from 'flatbuffers'

import type { ArrowType, Field, IntType, Schema } from './arrow-type.ts'
import {
  CONTINUATION,
  dateUnits,
  defaults,
  dictionarySlots,
  fieldSlots,
  floatWidths,
  HEADER_SCHEMA,
  intervalUnits,
  keyValueSlots,
  messageSlots,
  METADATA_VERSION_V5,
  schemaSlots,
  timeUnits,
  typeIds,
} from './schema-flatbuffer.ts'

export { decodeSchemaMessage } from './schema-decoding.ts'

/** Position of a finished table, string or vector in the builder. */
type Offset = number

interface Encoding {
  readonly builder: Builder
  /** Dictionary ids are given in depth-first order of the fields, a dictionary before those inside its values. */
  nextDictionaryId: bigint
}

/** Readers align a message's body to this: Arrow's encapsulated message format. */
const MESSAGE_ALIGNMENT = 8
const PREFIX_BYTES = 8

/**
 * An encapsulated IPC schema message: `ffffffff`, length, flatbuffer (metadata V5), padded to 8 bytes.
 *
 * A list's child without a name is written as `item`, a map's entries and keys as not nullable: strict readers
 * (Java) refuse anything else. Dictionary ids count from 0 in depth-first order of the fields.
 */
export function encodeSchemaMessage(schema: Schema): Uint8Array {
  const encoding: Encoding = { builder: new Builder(1024), nextDictionaryId: 0n }
  const { builder } = encoding
  const fields = offsetVector(
    builder,
    schema.fields.map((field) => writeField(encoding, field)),
  )
  const metadata = writeMetadata(builder, schema.metadata)
  builder.startObject(schemaSlots.count)
  builder.addFieldOffset(schemaSlots.fields, fields, 0)
  if (metadata !== 0) builder.addFieldOffset(schemaSlots.metadata, metadata, 0)
  const header = builder.endObject()
  builder.startObject(messageSlots.count)
  builder.addFieldOffset(messageSlots.header, header, 0)
  builder.addFieldInt16(messageSlots.version, METADATA_VERSION_V5, 0)
  builder.addFieldInt8(messageSlots.headerType, HEADER_SCHEMA, 0)
  builder.finish(builder.endObject())
  return encapsulate(builder.asUint8Array())
}

function encapsulate(flatbuffer: Uint8Array): Uint8Array {
  const padded = Math.ceil(flatbuffer.length / MESSAGE_ALIGNMENT) * MESSAGE_ALIGNMENT
  const message = new Uint8Array(PREFIX_BYTES + padded)
  const view = new DataView(message.buffer)
  view.setUint32(0, CONTINUATION, true)
  view.setInt32(4, padded, true)
  message.set(flatbuffer, PREFIX_BYTES)
  return message
}

function writeField(encoding: Encoding, field: Field): Offset {
  const { builder } = encoding
  const dictionary = field.type.kind === 'dictionary' ? field.type : undefined
  const dictionaryOffset = dictionary === undefined ? 0 : writeDictionary(encoding, dictionary)
  const type = dictionary === undefined ? field.type : dictionary.value
  const children = offsetVector(
    builder,
    childrenOf(type).map((child) => writeField(encoding, child)),
  )
  const name = builder.createString(field.name)
  const metadata = writeMetadata(builder, field.metadata)
  const typeOffset = writeType(builder, type)
  builder.startObject(fieldSlots.count)
  builder.addFieldOffset(fieldSlots.name, name, 0)
  builder.addFieldOffset(fieldSlots.type, typeOffset, 0)
  if (dictionaryOffset !== 0) builder.addFieldOffset(fieldSlots.dictionary, dictionaryOffset, 0)
  builder.addFieldOffset(fieldSlots.children, children, 0)
  if (metadata !== 0) builder.addFieldOffset(fieldSlots.metadata, metadata, 0)
  builder.addFieldInt8(fieldSlots.nullable, Number(field.nullable), 0)
  builder.addFieldInt8(fieldSlots.typeId, typeIdOf(type), 0)
  return builder.endObject()
}

function childrenOf(type: ArrowType): readonly Field[] {
  switch (type.kind) {
    case 'list':
    case 'large_list':
    case 'fixed_size_list':
      return [type.child.name === '' ? { ...type.child, name: 'item' } : type.child]
    case 'struct':
      return type.children
    case 'map':
      return [strictEntries(type.entries)]
    default:
      return []
  }
}

function strictEntries(entries: Field): Field {
  if (entries.type.kind !== 'struct') return { ...entries, nullable: false }
  const [key, ...rest] = entries.type.children
  const children = key === undefined ? [] : [{ ...key, nullable: false }, ...rest]
  return { ...entries, nullable: false, type: { kind: 'struct', children } }
}

function writeDictionary(
  encoding: Encoding,
  dictionary: Extract<ArrowType, { kind: 'dictionary' }>,
): Offset {
  const { builder } = encoding
  const id = encoding.nextDictionaryId++
  const index = writeInt(builder, dictionary.index)
  builder.startObject(dictionarySlots.count)
  builder.addFieldInt64(dictionarySlots.id, id, 0n)
  builder.addFieldOffset(dictionarySlots.index, index, 0)
  builder.addFieldInt8(dictionarySlots.ordered, Number(dictionary.ordered), 0)
  return builder.endObject()
}

function typeIdOf(type: ArrowType): number {
  return type.kind === 'dictionary' ? typeIdOf(type.value) : typeIds[type.kind]
}

/** The table of the type's own parameters. */
function writeType(builder: Builder, type: ArrowType): Offset {
  switch (type.kind) {
    case 'int':
      return writeInt(builder, type)
    case 'float':
      return table(builder, 1, () =>
        builder.addFieldInt16(0, floatWidths.indexOf(type.bitWidth), 0),
      )
    case 'decimal':
      return table(builder, 3, () => {
        builder.addFieldInt32(0, type.precision, 0)
        builder.addFieldInt32(1, type.scale, 0)
        builder.addFieldInt32(2, type.bitWidth, defaults.decimalBitWidth)
      })
    case 'date':
      return table(builder, 1, () =>
        builder.addFieldInt16(0, dateUnits.indexOf(type.unit), defaults.dateUnit),
      )
    case 'time':
      return table(builder, 2, () => {
        builder.addFieldInt16(0, timeUnits.indexOf(type.unit), defaults.timeUnit)
        builder.addFieldInt32(1, type.bitWidth, defaults.timeBitWidth)
      })
    case 'timestamp':
      return writeTimestamp(builder, type)
    case 'duration':
      return table(builder, 1, () =>
        builder.addFieldInt16(0, timeUnits.indexOf(type.unit), defaults.durationUnit),
      )
    case 'interval':
      return table(builder, 1, () => builder.addFieldInt16(0, intervalUnits.indexOf(type.unit), 0))
    case 'fixed_size_binary':
      return table(builder, 1, () => builder.addFieldInt32(0, type.byteWidth, 0))
    case 'fixed_size_list':
      return table(builder, 1, () => builder.addFieldInt32(0, type.size, 0))
    case 'map':
      return table(builder, 1, () => builder.addFieldInt8(0, Number(type.keysSorted), 0))
    case 'dictionary':
      return writeType(builder, type.value)
    default:
      return table(builder, 0, () => {})
  }
}

function writeInt(builder: Builder, type: IntType): Offset {
  return table(builder, 2, () => {
    builder.addFieldInt32(0, type.bitWidth, 0)
    builder.addFieldInt8(1, Number(type.signed), 0)
  })
}

function writeTimestamp(builder: Builder, type: Extract<ArrowType, { kind: 'timestamp' }>): Offset {
  const timezone = type.timezone === null ? 0 : builder.createString(type.timezone)
  return table(builder, 2, () => {
    builder.addFieldInt16(0, timeUnits.indexOf(type.unit), 0)
    if (timezone !== 0) builder.addFieldOffset(1, timezone, 0)
  })
}

function writeMetadata(
  builder: Builder,
  metadata: Readonly<Record<string, string>> | undefined,
): Offset {
  const entries = Object.entries(metadata ?? {})
  if (entries.length === 0) return 0
  return offsetVector(
    builder,
    entries.map(([key, value]) => {
      const keyOffset = builder.createString(key)
      const valueOffset = builder.createString(value)
      return table(builder, keyValueSlots.count, () => {
        builder.addFieldOffset(keyValueSlots.key, keyOffset, 0)
        builder.addFieldOffset(keyValueSlots.value, valueOffset, 0)
      })
    }),
  )
}

function table(builder: Builder, slotCount: number, write: () => void): Offset {
  builder.startObject(slotCount)
  write()
  return builder.endObject()
}

function offsetVector(builder: Builder, offsets: readonly Offset[]): Offset {
  builder.startVector(4, offsets.length, 4)
  for (const offset of offsets.toReversed()) builder.addOffset(offset)
  return builder.endVector()
}
