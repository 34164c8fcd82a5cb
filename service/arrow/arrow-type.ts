/** Arrow's logical types as plain data: they cross threads by structured clone and print as JSON. */
export type TimeUnit = 'second' | 'millisecond' | 'microsecond' | 'nanosecond'

export type IntType = {
  readonly kind: 'int'
  readonly bitWidth: 8 | 16 | 32 | 64
  readonly signed: boolean
}

export type ArrowType =
  | { readonly kind: 'null' }
  | { readonly kind: 'bool' }
  | IntType
  | { readonly kind: 'float'; readonly bitWidth: 16 | 32 | 64 }
  | {
      readonly kind: 'decimal'
      readonly precision: number
      readonly scale: number
      readonly bitWidth: 32 | 64 | 128 | 256
    }
  | { readonly kind: 'utf8' | 'large_utf8' | 'utf8_view' }
  | { readonly kind: 'binary' | 'large_binary' | 'binary_view' }
  | { readonly kind: 'fixed_size_binary'; readonly byteWidth: number }
  | { readonly kind: 'date'; readonly unit: 'day' | 'millisecond' }
  | { readonly kind: 'time'; readonly unit: TimeUnit; readonly bitWidth: 32 | 64 }
  | {
      readonly kind: 'timestamp'
      readonly unit: TimeUnit
      readonly timezone: string | null
      /**
       * When set, values are not a count of units: they are `milliseconds << 12 | packedZoneKey`,
       * the form in which Presto and Athena carry a zone inside each value. Unit is millisecond then.
       */
      readonly packedZoneKey?: number
    }
  | { readonly kind: 'duration'; readonly unit: TimeUnit }
  | { readonly kind: 'interval'; readonly unit: 'year_month' | 'day_time' | 'month_day_nano' }
  | { readonly kind: 'list' | 'large_list'; readonly child: Field }
  | { readonly kind: 'fixed_size_list'; readonly size: number; readonly child: Field }
  | { readonly kind: 'struct'; readonly children: readonly Field[] }
  | { readonly kind: 'map'; readonly entries: Field; readonly keysSorted: boolean }
  | {
      readonly kind: 'dictionary'
      readonly index: IntType
      readonly value: ArrowType
      readonly ordered: boolean
    }

export type ArrowKind = ArrowType['kind']

export interface Field {
  readonly name: string
  readonly type: ArrowType
  readonly nullable: boolean
  readonly metadata?: Readonly<Record<string, string>>
}

export interface Schema {
  readonly fields: readonly Field[]
  readonly metadata?: Readonly<Record<string, string>>
}
