import { understoodFunctions } from './athena-expressions.ts'

/** One optimisation Athena may hand down, with the sub-types we apply exactly. */
export interface AthenaCapability {
  readonly name: string
  readonly optimizations: readonly {
    readonly subType: string
    readonly properties: readonly string[]
  }[]
}

/**
 * What we guarantee to apply, and nothing more: an advertised optimisation may be dropped by the engine.
 * A limit holds per split, of rows that match. TopN does too: Athena sorts what all splits return, as it must.
 */
export const athenaCapabilities: readonly AthenaCapability[] = [
  {
    name: 'supports_filter_pushdown',
    optimizations: [
      'sorted_range_set',
      // Of EquatableValueSet: Athena spells it so.
      'equatable_range_set',
      'all_or_none_value_set',
      'nullable_comparison',
    ].map((subType) => ({ subType, properties: [] })),
  },
  {
    name: 'supports_complex_expression_pushdown',
    optimizations: [
      { subType: 'supported_function_expression_types', properties: understoodFunctions },
    ],
  },
  {
    name: 'supports_limit_pushdown',
    optimizations: [{ subType: 'integer_constant', properties: [] }],
  },
  {
    name: 'supports_top_n_pushdown',
    // Alone in upper case.
    optimizations: [{ subType: 'SUPPORTS_ORDER_BY', properties: [] }],
  },
]
