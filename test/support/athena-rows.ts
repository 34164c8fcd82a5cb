import type { DataType as ArrowDataType } from 'apache-arrow'
import { DataType, DateUnit } from 'apache-arrow'
import { dateText, timestampText, zonedText } from '../../service/athena/rows.ts'
import type { Value } from '../../service/athena/rows.ts'
import { children } from '../../service/athena/supported-types.ts'

/** A value in one form for both sides: what the golden rows say, and what Athena got. */
export type Plain =
  | null
  | boolean
  | number
  | string
  | readonly Plain[]
  | { readonly [name: string]: Plain }

/** What Athena got, in plain form. */
export function plainValue(value: Value, type: ArrowDataType): Plain {
  if (value === null) return null
  if (typeof value === 'boolean') return value
  if (value instanceof Uint8Array) return `0x${Buffer.from(value).toString('hex')}`
  if (DataType.isDate(type)) {
    return type.unit === DateUnit.DAY ? dateText(Number(value)) : timestampText(value as bigint)
  }
  if (DataType.isTimestamp(type)) return zonedText(value as bigint).replace(/ UTC$/, '')
  if (DataType.isFloat(type)) return plainFloat(Number(value))
  if (typeof value === 'number' || typeof value === 'bigint') return String(value)
  if (typeof value === 'string') return value
  return plainNested(value, type)
}

function plainNested(value: Exclude<Value, null | string>, type: ArrowDataType): Plain {
  if (DataType.isList(type)) {
    const child = childType(type, 0)
    return (value as readonly Value[]).map((item) => plainValue(item, child))
  }
  if (DataType.isMap(type)) {
    const entries = childType(type, 0)
    return (value as readonly (readonly [Value, Value])[]).map(([key, item]) => [
      plainValue(key, childType(entries, 0)),
      plainValue(item, childType(entries, 1)),
    ])
  }
  const row = value as Readonly<Record<string, Value>>
  return Object.fromEntries(
    children(type).map(({ name, type: child }) => [name, plainValue(row[name] ?? null, child)]),
  )
}

/**
 * What the golden row says, as README.md's table of types maps it for Athena.
 * `fileType` is pyarrow's name of the column's type: a few mappings are not visible in Athena's own.
 */
export function expectedValue(golden: Plain, type: ArrowDataType, fileType: string): Plain {
  if (golden === null) return null
  if (typeof golden === 'boolean') return golden
  if (fileType.startsWith('time32') || fileType.startsWith('time64'))
    return timeText(text(golden), fileType)
  if (fileType.startsWith('duration')) return durationCount(text(golden), fileType)
  if (fileType.includes('arrow.uuid')) return uuidText(text(golden))
  if (DataType.isDate(type) && type.unit !== DateUnit.DAY) return text(golden).replace(/\d{6}$/, '')
  if (DataType.isTimestamp(type)) return text(golden).replace(/\d{6}Z$/, 'Z')
  if (DataType.isFloat(type)) return plainFloat(Number(golden))
  if (DataType.isList(type)) {
    return (golden as readonly Plain[]).map((item) => expectedValue(item, childType(type, 0), ''))
  }
  if (DataType.isMap(type)) return expectedMap(golden as readonly Plain[], childType(type, 0))
  if (DataType.isStruct(type))
    return expectedStruct(golden as Readonly<Record<string, Plain>>, type)
  return text(golden)
}

function expectedMap(golden: readonly Plain[], entries: ArrowDataType): Plain {
  return golden.map((entry) => {
    const [key = null, item = null] = entry as readonly Plain[]
    return [
      expectedValue(key, childType(entries, 0), ''),
      expectedValue(item, childType(entries, 1), ''),
    ]
  })
}

function expectedStruct(golden: Readonly<Record<string, Plain>>, type: ArrowDataType): Plain {
  const types = new Map(children(type).map((field) => [field.name, field.type]))
  return Object.fromEntries(
    Object.entries(golden).map(([name, item]) => {
      const child = types.get(name.toLowerCase())
      return [name.toLowerCase(), child ? expectedValue(item, child, '') : 'no such field']
    }),
  )
}

function childType(type: ArrowDataType, index: number): ArrowDataType {
  const child = children(type)[index]
  if (!child) throw new Error(`a nested type has no child ${index}`)
  return child.type
}

function plainFloat(value: number): Plain {
  if (Number.isNaN(value)) return 'NaN'
  return Object.is(value, -0) ? '-0' : String(value)
}

function text(golden: Plain): string {
  return typeof golden === 'string' ? golden : JSON.stringify(golden)
}

/** `10:00:00.500000000` with as many digits as the unit has. */
function timeText(golden: string, fileType: string): string {
  const digits = { s: 0, ms: 3, us: 6, ns: 9 }[/\[(\w+)\]/.exec(fileType)?.[1] ?? ''] ?? 9
  return digits === 0 ? golden.slice(0, 8) : golden.slice(0, 9 + digits)
}

function durationCount(golden: string, fileType: string): string {
  const divisor = { s: 1_000_000_000n, ms: 1_000_000n, us: 1_000n, ns: 1n }
  const unit = /\[(\w+)\]/.exec(fileType)?.[1] as keyof typeof divisor
  return String(BigInt(golden) / divisor[unit])
}

function uuidText(golden: string): string {
  return golden.replace(/^0x(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
}
