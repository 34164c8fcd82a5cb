/**
 * Numbers of Arrow's flatbuffer schema, from the Arrow format's Message.fbs and Schema.fbs (metadata version V5).
 * Slots are the positions of a table's fields.
 */
import type { TimeUnit } from './arrow-type.ts'

/** Message.fbs, `MetadataVersion.V5` and `MessageHeader.Schema`. */
export const METADATA_VERSION_V5 = 4
export const HEADER_SCHEMA = 1

/** Before the length of a message: File format, "encapsulated message format". Absent in legacy framing. */
export const CONTINUATION = 0xffffffff

export const messageSlots = {
  version: 0,
  headerType: 1,
  header: 2,
  bodyLength: 3,
  count: 5,
} as const
export const schemaSlots = { endianness: 0, fields: 1, metadata: 2, count: 4 } as const
export const fieldSlots = {
  name: 0,
  nullable: 1,
  typeId: 2,
  type: 3,
  dictionary: 4,
  children: 5,
  metadata: 6,
  count: 7,
} as const
export const keyValueSlots = { key: 0, value: 1, count: 2 } as const
export const dictionarySlots = { id: 0, index: 1, ordered: 2, count: 4 } as const

/** Schema.fbs, `union Type`. */
export const typeIds = {
  null: 1,
  int: 2,
  float: 3,
  binary: 4,
  utf8: 5,
  bool: 6,
  decimal: 7,
  date: 8,
  time: 9,
  timestamp: 10,
  interval: 11,
  list: 12,
  struct: 13,
  fixed_size_binary: 15,
  fixed_size_list: 16,
  map: 17,
  duration: 18,
  large_binary: 19,
  large_utf8: 20,
  large_list: 21,
  binary_view: 23,
  utf8_view: 24,
} as const

/** Schema.fbs, `TimeUnit`, `Precision`, `DateUnit` and `IntervalUnit`, by number. */
export const timeUnits: readonly TimeUnit[] = ['second', 'millisecond', 'microsecond', 'nanosecond']
export const floatWidths = [16, 32, 64] as const
export const dateUnits = ['day', 'millisecond'] as const
export const intervalUnits = ['year_month', 'day_time', 'month_day_nano'] as const

/** Schema.fbs defaults, which a writer leaves out. */
export const defaults = {
  decimalBitWidth: 128,
  dateUnit: 1,
  timeUnit: 1,
  timeBitWidth: 32,
  durationUnit: 1,
} as const
