import type { FileColumn, Footer, Leaf } from '../footers/footer.ts'
import { valueForm } from './chunk-plan.ts'
import { canInflate } from './kernel-inflate.ts'

/**
 * Why a column chunk was not for the kernels: the column is nested, they do not know its codec, its type, one of its
 * encodings, or SPILLWAY_DECODER forces the other engine.
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

/** Of a column that has no `chunkPlan`. */
export function fallbackReason(
  footer: Footer,
  groupIndex: number,
  { leafStart, leafEnd, field }: FileColumn,
): FallbackReason {
  const leaf = footer.leaves[leafStart]
  if (leaf === undefined || leafEnd !== leafStart + 1 || isNested(leaf)) return 'nested'
  if (!canInflate(footer.chunk(groupIndex, leafStart).codec)) return 'codec'
  return valueForm(leaf, field.type) === undefined ? 'type' : 'encoding'
}

function isNested({ path, maxDefinitionLevel, maxRepetitionLevel }: Leaf): boolean {
  return path.length > 1 || maxRepetitionLevel > 0 || maxDefinitionLevel > 1
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
