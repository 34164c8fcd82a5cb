import { Buffer } from 'node:buffer'

import type { ArrowType, Field, Schema } from '../arrow/arrow-type.ts'
import { decodeSchemaMessage } from '../arrow/schema-message.ts'
import { GatewayError } from '../errors.ts'

/** The key under which Arrow writers leave the schema they were given, in base64. */
export const ARROW_SCHEMA_KEY = 'ARROW:schema'

/** The writer's Arrow schema; undefined when it cannot be read: the Parquet schema says enough. */
export function readArrowHint(base64: string): Schema | undefined {
  try {
    return decodeSchemaMessage(Buffer.from(base64, 'base64'))
  } catch (error) {
    if (error instanceof GatewayError) return undefined
    throw error
  }
}

/**
 * The field with what only the writer's Arrow schema tells, where it fits the Parquet type, as arrow-cpp does
 * (`ApplyOriginalMetadata` in parquet/arrow/schema.cc): zone names, durations, 64-bit offsets, fixed-size lists,
 * dictionaries of text and bytes, metadata. Two things of arrow-cpp's are left out because the values are the
 * same without them: views (read as utf8 and binary) and other widths of decimals.
 */
export function applyArrowHint(field: Field, hint: Field | undefined): Field {
  if (hint === undefined || hint.name !== field.name) return field
  return hinted(field, hint)
}

/** As `applyArrowHint`, without looking at the name: lists and maps name their parts as they like. */
function hinted(field: Field, hint: Field): Field {
  const metadata = { ...hint.metadata, ...field.metadata }
  const type = hintedType(field.type, hint.type)
  return {
    ...field,
    type,
    ...(Object.keys(metadata).length === 0 ? {} : { metadata }),
  }
}

function hintedType(type: ArrowType, hint: ArrowType): ArrowType {
  if (hint.kind === 'dictionary') {
    const value = hintedType(type, hint.value)
    if (!isVariableBinary(value)) return value
    // arrow-cpp reads every dictionary with int32 indices: row groups have dictionaries of their own sizes.
    return {
      kind: 'dictionary',
      index: { kind: 'int', bitWidth: 32, signed: true },
      value,
      ordered: hint.ordered,
    }
  }
  switch (type.kind) {
    case 'timestamp':
      return hintedTimestamp(type, hint)
    case 'int':
      return type.bitWidth === 64 && type.signed && hint.kind === 'duration' ? hint : type
    case 'utf8':
      return hint.kind === 'large_utf8' ? hint : type
    case 'binary':
      return hint.kind === 'large_binary' ? hint : type
    case 'list':
      return hintedList(type, hint)
    case 'struct':
      return hintedStruct(type, hint)
    case 'map':
      return hint.kind === 'map'
        ? {
            ...type,
            keysSorted: hint.keysSorted,
            entries: hintedEntries(type.entries, hint.entries),
          }
        : type
    default:
      return type
  }
}

function isVariableBinary(type: ArrowType): boolean {
  switch (type.kind) {
    case 'utf8':
    case 'large_utf8':
    case 'binary':
    case 'large_binary':
      return true
    default:
      return false
  }
}

function hintedTimestamp(
  type: Extract<ArrowType, { kind: 'timestamp' }>,
  hint: ArrowType,
): ArrowType {
  if (hint.kind !== 'timestamp' || type.timezone === null || hint.timezone === null) return type
  if (hint.timezone.includes('\0')) return type
  return { ...type, timezone: hint.timezone }
}

function hintedList(
  type: Extract<ArrowType, { kind: 'list' | 'large_list' }>,
  hint: ArrowType,
): ArrowType {
  switch (hint.kind) {
    case 'list':
    case 'large_list':
      return { kind: hint.kind, child: hinted(type.child, hint.child) }
    case 'fixed_size_list':
      return { kind: hint.kind, size: hint.size, child: hinted(type.child, hint.child) }
    default:
      return type
  }
}

function hintedStruct(type: Extract<ArrowType, { kind: 'struct' }>, hint: ArrowType): ArrowType {
  if (hint.kind !== 'struct' || hint.children.length !== type.children.length) return type
  return {
    kind: 'struct',
    children: type.children.map((child, index) => applyArrowHint(child, hint.children[index])),
  }
}

function hintedEntries(entries: Field, hint: Field): Field {
  if (entries.type.kind !== 'struct' || hint.type.kind !== 'struct') return entries
  const hints = hint.type.children
  const children = entries.type.children.map((child, index) => {
    const childHint = hints[index]
    return childHint === undefined ? child : hinted(child, childHint)
  })
  return { ...entries, type: { kind: 'struct', children } }
}
