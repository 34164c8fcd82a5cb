import { canKernel, chunkPlan } from '../decode/chunk-plan.ts'
import { canDecodeAll } from '../decode/kernel-pages.ts'
import type { Footer } from '../footers/footer.ts'
import { columnsOf, type Predicate } from '../predicate/predicate.ts'
import type { PieceMatch } from './filter-match.ts'
import type { DictionaryProbe, FilterColumn } from './scan-job.ts'

export interface ProbeRequest {
  readonly footer: Footer
  readonly groupIndex: number
  readonly match: PieceMatch
  /** All of the job. */
  readonly terms: readonly Predicate[]
  /** A longer dictionary is not worth it. */
  readonly bytesMax: number
}

/**
 * Columns whose dictionaries may rule the row group out: all their values are in there, and a term asks of nothing
 * else.
 */
export function dictionaryProbes(request: ProbeRequest): readonly DictionaryProbe[] {
  const { filter, columnIndexes } = request.match
  if (filter === undefined) return []
  return columnIndexes.flatMap((columnIndex, index) => {
    const columns = filter.columns
      .filter(({ source }) => source.kind === 'decoded' && source.index === index)
      .map((column): FilterColumn => ({ ...column, source: { kind: 'decoded', index: 0 } }))
    const names = new Set(columns.map(({ column }) => column))
    const terms = filter.terms.filter((number) => {
      const term = request.terms[number]
      return term !== undefined && columnsOf(term).every((name) => names.has(name))
    })
    const probe = terms.length === 0 ? undefined : dictionaryOf(request, columnIndex)
    return probe === undefined ? [] : [{ ...probe, filter: { terms, columns } }]
  })
}

function dictionaryOf(
  { footer, groupIndex, bytesMax }: ProbeRequest,
  columnIndex: number,
): Pick<DictionaryProbe, 'chunk' | 'range'> | undefined {
  const column = footer.columns[columnIndex]
  const leaf = column && footer.leaves[column.leafStart]
  if (column === undefined || leaf === undefined) return undefined
  const chunk = footer.chunk(groupIndex, column.leafStart)
  const range = { start: chunk.dictionaryPageOffset, end: chunk.dataPageOffset }
  const isWorthIt = chunk.isDictionaryCoded && range.end - range.start <= bytesMax
  const isKnown =
    canKernel(leaf, chunk, column.field) && canDecodeAll(leaf.physicalType, chunk.encodings)
  if (!isWorthIt || !isKnown) return undefined
  const plan = chunkPlan(footer, groupIndex, column, [{ ...chunk, at: 0 }])
  return plan && { chunk: plan, range }
}
