import assert from 'node:assert'

import type { Column } from '../arrow/column.ts'
import { GatewayError } from '../errors.ts'
import type { Footer } from '../footers/footer.ts'
import { readFooter } from '../footers/parse-footer.ts'
import type { DecodedRowGroup, Decoder, RowGroupPlan } from './decoder.ts'
import {
  countEngines,
  type EngineCounts,
  type EngineWatch,
  fallbackReason,
} from './engine-counts.ts'
import type { KernelDecoder } from './kernel-decoder.ts'
import { chunksOf, writeMiniTail } from './mini-tail.ts'
import { type ColumnPlan, columnPlan } from './nested-plan.ts'

export interface HybridDecoderOptions {
  readonly kernels: KernelDecoder
  /** Decodes what is not for the kernels, from a small file of just these columns. */
  readonly fallback: Decoder
  readonly watch?: EngineWatch
}

/**
 * Two engines behind one door, chosen for each column by the plan's own footer: flat columns by the kernels, the
 * others by the fallback. A row group with a page that is legal but new to the kernels goes to the fallback whole.
 */
export function hybridDecoder({ kernels, fallback, watch }: HybridDecoderOptions): Decoder {
  return {
    decode: (plan, buffer) => {
      const split = splitColumns(plan, buffer)
      const byKernels = tryKernels(kernels, split, buffer)
      watch?.(countSplit(split, byKernels !== undefined))
      if (byKernels === undefined) return fallback.decode(plan, buffer)
      if (split.rest.length === 0) return byKernels
      return join(split, byKernels, () => fallback.decode(planOfRest(split), buffer))
    },
    open: (plan, buffer, takeRoom) => {
      if (plan.selection !== undefined) return
      const split = splitColumns(plan, buffer)
      const chunks = split.chunks.filter((chunk) => chunk !== undefined)
      if (split.rest.length > 0) return
      const { source, rowCount } = plan
      const open = () => kernels.open({ source, rowCount, chunks }, buffer, takeRoom)
      const reader = unlessUnsupported(open)
      if (reader !== undefined) watch?.(countSplit(split, true))
      return reader
    },
  }
}

interface ColumnSplit {
  readonly plan: RowGroupPlan
  /** Of the small file that the plan makes of the buffer; undefined when no chunk is there whole. */
  readonly footer: Footer | undefined
  /** For each column its chunk, undefined when it is not for the kernels. */
  readonly chunks: readonly (ColumnPlan | undefined)[]
  /** Indexes of the small file's columns that are not. */
  readonly rest: readonly number[]
}

function splitColumns(plan: RowGroupPlan, buffer: Uint8Array): ColumnSplit {
  const file = buffer.subarray(0, plan.bufferBytes)
  assert(file.length === plan.bufferBytes, 'the buffer is smaller than the plan says')
  const footer = plan.tail.length === 0 ? undefined : openTail(plan, file)
  const whole = [{ start: 0, end: file.length, at: 0 }]
  const found = footer?.columns.map((column) => columnPlan(footer, 0, column, whole)) ?? []
  const rest = [...found.keys()].filter((index) => found[index] === undefined)
  const next = found.values()
  const chunks = plan.columnNames.map(
    (_, index) => plan.selection?.chunks[index] ?? next.next().value,
  )
  return { plan, footer, chunks, rest }
}

/** @param known false: the kernels did not know something of the columns that were theirs */
function countSplit({ plan, footer, rest }: ColumnSplit, known: boolean): EngineCounts {
  const ours = known ? 'kernels' : 'encoding'
  const paged = plan.selection?.chunks.filter((chunk) => chunk !== null).length ?? 0
  const found = countEngines(footer?.columns ?? [], (column, index) =>
    footer !== undefined && rest.includes(index) ? fallbackReason(footer, 0, column) : ours,
  )
  return { ...found, [ours]: found[ours] + paged }
}

function openTail(plan: RowGroupPlan, file: Uint8Array): Footer {
  file.set(plan.tail, plan.tailAt)
  const { source: name } = plan
  return readFooter(file.subarray(plan.tailAt), { name, sizeBytes: file.length })
}

/** Undefined when there is nothing for the kernels, or something that they do not know but the fallback may. */
function tryKernels(
  kernels: KernelDecoder,
  { plan: { source, rowCount, selection }, chunks }: ColumnSplit,
  buffer: Uint8Array,
): DecodedRowGroup | undefined {
  const wanted = chunks.filter((chunk) => chunk !== undefined)
  if (wanted.length === 0) return
  const isPaged = selection?.chunks.some((chunk) => chunk !== null) ?? false
  const decode = () => kernels.decode({ source, rowCount, chunks: wanted }, buffer)
  return isPaged ? decode() : unlessUnsupported(decode)
}

function unlessUnsupported<T>(work: () => T): T | undefined {
  try {
    return work()
  } catch (error) {
    if (error instanceof GatewayError && error.code === 'unsupported') return
    throw error
  }
}

/** The same chunks in the same places, with the footer of fewer columns. */
function planOfRest({ plan, footer, rest }: ColumnSplit): RowGroupPlan {
  assert(footer !== undefined, 'columns for the fallback are there whole')
  const selection = { footer, groupIndex: 0, columnIndexes: rest }
  const positions = chunksOf(selection).map(({ chunk }) => chunk.start)
  const tail = writeMiniTail({ ...selection, positions, widened: new Set() })
  assert(tail.length <= plan.tail.length, 'fewer columns have a smaller footer')
  return {
    ...plan,
    columnNames: rest.map((index) => footer.columns[index]?.field.name ?? ''),
    tail,
    bufferBytes: plan.tailAt + tail.length,
  }
}

/** Both parts in the order of the plan; the kernels' memory is given back when the fallback fails. */
function join(
  { plan, chunks }: ColumnSplit,
  byKernels: DecodedRowGroup,
  decodeRest: () => DecodedRowGroup,
): DecodedRowGroup {
  let others: DecodedRowGroup
  try {
    others = decodeRest()
  } catch (error) {
    byKernels.release()
    throw error
  }
  const known = byKernels.columns.values()
  const rest = others.columns.values()
  const columns = chunks.map((chunk): Column => {
    const { value } = chunk === undefined ? rest.next() : known.next()
    assert(value !== undefined, 'a column is missing')
    return value
  })
  const release = (): void => {
    byKernels.release()
    others.release()
  }
  return { rowCount: plan.rowCount, columns, release }
}
