import type { Arena } from './kernel-arena.ts'
import { describeFault } from './kernel-faults.ts'
import type { Place } from './kernel-inflate.ts'
import { encodings } from './kernel-pages.ts'
import { INDEX_BATCH, type Scratch } from './kernel-scratch.ts'
import type { Kernels } from './kernel-signatures.ts'
import type { Fail } from '../footers/thrift-reader.ts'

/** What decoding a chunk needs. */
export interface Workplace {
  readonly kernels: Kernels
  readonly scratch: Scratch
  /** Columns grow here, one behind the other. */
  readonly output: Arena
  /** Names file, row group and column in errors. */
  readonly column: string
  readonly fail: Fail
}

/** A dictionary, ready for look-ups. */
export interface Dictionary {
  /** Entries in Arrow's form; for bytes where they lie: kernels/plain-bytes.ts, byteTable. */
  readonly entries: Place
  /** For bytes: how far may be read to copy the last of them. */
  readonly bytesEnd: number
  readonly count: number
  /** Bytes of the longest entry, 0 for fixed widths. */
  readonly longest: number
}

/** A data page, decompressed, its levels read. */
export interface OpenPage {
  readonly encoding: number
  /** From the first value that has not been read on. */
  readonly values: Place
  /** Of booleans: which bit of them that is. */
  readonly bit: number
  /** Whether dictionary indices have been read from the page before: the reading goes on where it stopped. */
  readonly isBegun: boolean
  /** Where its rows begin in the column that is made. */
  readonly first: number
  readonly rows: number
  /** Rows that are not null: so many values there are. */
  readonly present: number
  readonly validity: Place
  readonly dictionary: Dictionary | undefined
}

/** Where the values of a column come together, page by page. */
export interface ValueSink {
  append(page: OpenPage): void
  /** The buffers, when all rows are there: as many as there was room for, or fewer. */
  finish(rowCount: number): { readonly values: Place; readonly offsets: Place | null }
}

/** The result of a kernel, when it is not a fault. */
export function checked(result: number, { fail }: Pick<Workplace, 'fail'>): number {
  return result < 0 ? fail(`a page ${describeFault(result)}`) : result
}

/** Some rows of a page. */
export type RowBatch = Pick<OpenPage, 'first' | 'rows' | 'present'>

export function isDictionaryCoded({ encoding }: Pick<OpenPage, 'encoding'>): boolean {
  return encoding === encodings.dictionary || encoding === encodings.plainDictionary
}

/**
 * Reads the indices of a dictionary-coded page, some rows at a time: what is looked up is then spread to its rows
 * while it is still in the nearest cache. `scratch.indices` holds the batch's while `look` is called.
 */
export function eachIndexBatch(
  page: OpenPage,
  work: Workplace,
  look: (dictionary: Dictionary, batch: RowBatch) => void,
): void {
  const { kernels, scratch, fail } = work
  const { dictionary, values, validity } = page
  if (dictionary === undefined) return fail('a page names entries, but there is no dictionary')
  const { state, indices } = scratch
  if (!page.isBegun) checked(kernels.startIndices(state.start, values.start, values.end), work)
  const end = page.first + page.rows
  for (let first = page.first; first < end; first += INDEX_BATCH) {
    const rows = Math.min(INDEX_BATCH, end - first)
    const present =
      page.present === page.rows
        ? rows
        : checked(kernels.countBits(validity.start, validity.end, first, rows), work)
    const result = kernels.readIndices(
      state.start,
      present,
      dictionary.count,
      indices.start,
      indices.end,
    )
    checked(result, work)
    look(dictionary, { first, rows, present })
  }
}
