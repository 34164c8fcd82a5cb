import type { FileColumn, Footer } from '../footers/footer.ts'
import { isFlat, valueForm } from './chunk-plan.ts'
import { canInflate } from './kernel-inflate.ts'

/**
 * Why a column chunk was not for the kernels: the column is nested in a way that they do not know (lists of a fixed
 * size, or what they do not know lies in it), they do not know its codec, its type, one of its encodings, or
 * SPILLWAY_DECODER forces the other engine.
 */
export const fallbackReasons = ['nested', 'codec', 'type', 'encoding', 'forced'] as const
export type FallbackReason = (typeof fallbackReasons)[number]

/** Column chunks by the engine that decoded them, those of the fallback by the reason. */
export type EngineCounts = Readonly<Record<'kernels' | FallbackReason, number>>

/** Told of each row group that is decoded, before it is known to be sound. */
export type EngineWatch = (counts: EngineCounts) => void

export const noChunks: EngineCounts = {
  kernels: 0,
  nested: 0,
  codec: 0,
  type: 0,
  encoding: 0,
  forced: 0,
}

/** Of a column that has no `columnPlan`. */
export function fallbackReason(
  footer: Footer,
  groupIndex: number,
  { leafStart, leafEnd, field }: FileColumn,
): FallbackReason {
  const leaves = footer.leaves.slice(leafStart, leafEnd)
  const codecs = leaves.map((_, index) => footer.chunk(groupIndex, leafStart + index).codec)
  if (!codecs.every(canInflate)) return 'codec'
  const [leaf, ...others] = leaves
  if (leaf === undefined || others.length > 0 || !isFlat(leaf)) return 'nested'
  return valueForm(leaf, field.type) === undefined ? 'type' : 'encoding'
}

/**
 * The chunks of a row group's columns.
 *
 * @param engineOf `kernels`, or why not
 */
export function countEngines(
  columns: readonly FileColumn[],
  engineOf: (column: FileColumn, index: number) => keyof EngineCounts,
): EngineCounts {
  const counts = { ...noChunks }
  for (const [index, column] of columns.entries()) {
    counts[engineOf(column, index)] += column.leafEnd - column.leafStart
  }
  return counts
}
