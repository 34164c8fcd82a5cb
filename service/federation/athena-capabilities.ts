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
 * A limit holds per split, and only where no filter stands between it and the rows.
 */
export const athenaCapabilities: readonly AthenaCapability[] = [
  {
    name: 'supports_limit_pushdown',
    optimizations: [{ subType: 'integer_constant', properties: [] }],
  },
]
