import type { ArrowType } from './arrow-type.ts'

/** Bytes of one value of a fixed-width type, 0 for booleans (bits) and for everything that has no such width. */
export function valueBytes(type: ArrowType): number {
  switch (type.kind) {
    case 'int':
    case 'float':
    case 'decimal':
    case 'time':
      return type.bitWidth / 8
    case 'fixed_size_binary':
      return type.byteWidth
    case 'date':
      return type.unit === 'day' ? 4 : 8
    case 'timestamp':
    case 'duration':
      return 8
    case 'interval':
      return { year_month: 4, day_time: 8, month_day_nano: 16 }[type.unit]
    case 'dictionary':
      return type.index.bitWidth / 8
    case 'utf8_view':
    case 'binary_view':
      return 16
    default:
      return 0
  }
}

/** Bytes of one offset: 4, for large types 8, 0 for types without offsets. */
export function offsetBytes(type: ArrowType): 0 | 4 | 8 {
  switch (type.kind) {
    case 'utf8':
    case 'binary':
    case 'list':
    case 'map':
      return 4
    case 'large_utf8':
    case 'large_binary':
    case 'large_list':
      return 8
    default:
      return 0
  }
}
