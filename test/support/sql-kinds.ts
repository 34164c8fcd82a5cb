import {
  DataType,
  DateUnit,
  Int64,
  Precision,
  TimeMillisecond,
  TimeNanosecond,
  TimestampNanosecond,
} from 'apache-arrow'
import type { ArrowType, Field, TimeUnit } from '../../service/arrow/arrow-type.ts'
import { sameType } from '../../service/arrow/same-type.ts'
import type { Cell } from './oracle.ts'
import { byteText } from './oracle.ts'
import type { Raw } from './random-table-data.ts'
import type { ColumnKind } from './random-table-kinds.ts'
import { columnKinds } from './random-table-kinds.ts'

/** Kinds as files have them: cells are what is stored, not what Athena sees. */
function asStored(kind: ColumnKind): ColumnKind {
  return { ...kind, doorType: kind.fileType, seen: storedCell }
}

function storedCell(raw: Raw): Cell {
  return typeof raw === 'string' || raw instanceof Uint8Array ? byteText(raw) : raw
}

const clockPool = [0n, 1n, 3_600_000n, 86_399_999n]
const moreKinds: readonly ColumnKind[] = [
  moreKind('clock_ms', new TimeMillisecond(), clockPool),
  moreKind('clock_ns', new TimeNanosecond(), [0n, 1n, 1_000_000n, 86_399_999_999_999n]),
  moreKind('tz_ns', new TimestampNanosecond('UTC'), [-1n, 0n, 1n, 1_709_210_096_789_000_001n]),
]

function moreKind(name: string, fileType: DataType, pool: readonly bigint[]): ColumnKind {
  return { name, fileType, doorType: fileType, pool, seen: storedCell, constant: (cell) => cell }
}

export const storedKinds: readonly ColumnKind[] = [...columnKinds.map(asStored), ...moreKinds]

/** The same as fields of structs, some of them in a struct of a struct. */
export const innerKinds: readonly ColumnKind[] = storedKinds.map((kind, at) => {
  const path = ['Box', 'Box.Deep x', 'box2'][at % 3] ?? 'Box'
  return { ...kind, name: `${path}.${kind.name}` }
})

/** The kinds of which Athena sees what files store. */
export function isSameForAthena({ name, fileType }: ColumnKind): boolean {
  const athena = columnKinds.find((kind) => kind.name === name)
  const doorType = athena?.doorType
  return doorType ? sameType(arrowTypeOf(doorType), arrowTypeOf(fileType)) : false
}

/** How whole numbers calculate in SQL: in 64 bits, or without bounds. */
export function calculatingKind(kind: ColumnKind): ColumnKind {
  const { fileType } = kind
  if (!DataType.isInt(fileType)) return kind
  const isWide = fileType.bitWidth === 64 && !fileType.isSigned
  return { ...kind, doorType: isWide ? null : new Int64() }
}

/** One for each kind, under its whole name. */
export function fieldsOf(kinds: readonly ColumnKind[]): readonly Field[] {
  return kinds.map(({ name, fileType }) => ({ name, type: arrowTypeOf(fileType), nullable: true }))
}

/** The same with structs. */
export function nestedFields(fields: readonly Field[]): readonly Field[] {
  const names = [...new Set(fields.map(({ name }) => name.replace(/\..*/, '')))]
  return names.map((name): Field => {
    const flat = fields.find((field) => field.name === name)
    if (flat) return flat
    const inner = fields.filter((field) => field.name.startsWith(`${name}.`))
    const children = inner.map((field) => ({ ...field, name: field.name.slice(name.length + 1) }))
    return { name, type: { kind: 'struct', children: nestedFields(children) }, nullable: true }
  })
}

const units: readonly TimeUnit[] = ['second', 'millisecond', 'microsecond', 'nanosecond']

function arrowTypeOf(type: DataType): ArrowType {
  if (DataType.isBool(type)) return { kind: 'bool' }
  if (DataType.isInt(type)) return { kind: 'int', bitWidth: type.bitWidth, signed: type.isSigned }
  if (DataType.isFloat(type)) {
    return { kind: 'float', bitWidth: type.precision === Precision.SINGLE ? 32 : 64 }
  }
  if (DataType.isDecimal(type)) {
    return { kind: 'decimal', precision: type.precision, scale: type.scale, bitWidth: 128 }
  }
  if (DataType.isUtf8(type)) return { kind: 'utf8' }
  if (DataType.isLargeUtf8(type)) return { kind: 'large_utf8' }
  if (DataType.isBinary(type)) return { kind: 'binary' }
  if (DataType.isFixedSizeBinary(type)) {
    return { kind: 'fixed_size_binary', byteWidth: type.byteWidth }
  }
  if (DataType.isDate(type)) {
    return { kind: 'date', unit: type.unit === DateUnit.DAY ? 'day' : 'millisecond' }
  }
  if (DataType.isTime(type)) {
    return { kind: 'time', unit: units[type.unit] ?? 'second', bitWidth: type.bitWidth }
  }
  if (DataType.isTimestamp(type)) {
    const timezone = type.timezone ?? null
    return { kind: 'timestamp', unit: units[type.unit] ?? 'second', timezone }
  }
  throw new Error(`no kind of type ${type.typeId}`)
}
