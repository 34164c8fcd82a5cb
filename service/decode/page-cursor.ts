import type { ChunkPlan } from './chunk-plan.ts'
import { unpackRuns } from './kernel-bits.ts'
import type { Place } from './kernel-inflate.ts'
import { encodings, type Page } from './kernel-pages.ts'
import { INDEX_BATCH } from './kernel-scratch.ts'
import { checked, type Dictionary, isDictionaryCoded, type Workplace } from './kernel-values.ts'

/** A data page of which some rows are read. Of nested columns a row here is a value with its levels. */
export interface PageCursor {
  /** PLAIN or a dictionary's: other encodings are unpacked when the page is opened. */
  readonly encoding: number
  readonly rows: number
  readonly present: number
  /** The next row. */
  row: number
  /** From the next value on, as in `OpenPage`. */
  values: Place
  bit: number
  isBegun: boolean
}

/** Some rows of a page, so many of which are no nulls. */
interface Part {
  readonly rows: number
  readonly present: number
}

/** A page whose levels are read, before its first row. */
export function openCursor(
  page: Page,
  opened: Part & { readonly values: Place },
  chunk: ChunkPlan,
  work: Workplace,
): PageCursor {
  const { rows, present } = opened
  const { encoding, values } = unpack(page.encoding, opened, chunk, work)
  return { encoding, values, rows, present, row: 0, bit: 0, isBegun: false }
}

/** The values of the next rows, to their end where it must be known beforehand. */
export function nextValues(
  page: PageCursor,
  { rows, present }: Part,
  { form }: ChunkPlan,
  work: Workplace,
): Place {
  const { start, end } = page.values
  const isMeasured = form.kind === 'bytes' || (form.kind === 'fixed' && form.sourceBytes === 0)
  if (!isMeasured || isDictionaryCoded(page)) return page.values
  if (page.row + rows === page.rows) return page.values
  const bytes = checked(work.kernels.skipBytes(start, end, present), work)
  return { start, end: start + bytes }
}

/** Moves behind rows whose values were read, or need not be. */
export function advance(
  page: PageCursor,
  part: Part & { readonly values: Place },
  { form }: ChunkPlan,
): void {
  const { start, end } = page.values
  page.row += part.rows
  page.bit += part.present
  page.isBegun ||= part.present > 0
  if (isDictionaryCoded(page) || form.kind === 'bits') return
  const isFixed = form.kind === 'fixed' && form.sourceBytes > 0
  const next = isFixed ? start + part.present * form.sourceBytes : part.values.end
  page.values = { start: Math.min(next, end), end }
}

/** Steps over rows. */
export function skipValues(
  page: PageCursor,
  part: Part,
  { chunk, work }: { readonly chunk: ChunkPlan; readonly work: Workplace },
  dictionary: Dictionary | undefined,
): void {
  const values = nextValues(page, part, chunk, work)
  if (isDictionaryCoded(page)) skipIndices(page, part.present, dictionary, work)
  advance(page, { ...part, values }, chunk)
}

function skipIndices(
  { values, isBegun }: PageCursor,
  present: number,
  dictionary: Dictionary | undefined,
  work: Workplace,
): void {
  const { kernels, scratch } = work
  const { state, indices } = scratch
  if (present > 0 && !isBegun) {
    checked(kernels.startIndices(state.start, values.start, values.end), work)
  }
  for (let left = present; left > 0; left -= INDEX_BATCH) {
    const count = Math.min(left, INDEX_BATCH)
    const limit = dictionary?.count ?? 0
    const result = kernels.readIndices(state.start, count, limit, indices.start, indices.end)
    checked(result, work)
  }
}

/** Values that can be read from anywhere on: what cannot be becomes PLAIN in the staging room. */
function unpack(
  encoding: number,
  page: { readonly values: Place; readonly present: number },
  { form }: ChunkPlan,
  work: Workplace,
): { readonly encoding: number; readonly values: Place } {
  const { kernels, scratch } = work
  const { values, present } = page
  const asItIs = { encoding, values }
  if (present === 0) return asItIs
  if (form.kind === 'bits' && encoding === encodings.rle) {
    return { encoding: encodings.plain, values: unpackRuns(page, work) }
  }
  if (form.kind !== 'fixed') return asItIs
  const { start } = scratch.staging
  const end = start + present * form.sourceBytes
  const unpacked = { encoding: encodings.plain, values: { start, end } }
  const source = [values.start, values.end, present, form.sourceBytes] as const
  switch (encoding) {
    case encodings.deltaIntegers:
      checked(kernels.deltaIntegers(...source, start, end), work)
      return unpacked
    case encodings.splitStreams:
      checked(kernels.joinStreams(...source, start, end), work)
      return unpacked
    default:
      return asItIs
  }
}
