import type { Arena } from './kernel-arena.ts'
import { describeFault } from './kernel-faults.ts'
import type { Place } from './kernel-inflate.ts'
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
  /** For bytes: where the last of them ends. */
  readonly bytesEnd: number
  readonly count: number
  /** Bytes of the longest entry, 0 for fixed widths. */
  readonly longest: number
}

/** A data page, decompressed, its levels read. */
export interface OpenPage {
  readonly encoding: number
  readonly values: Place
  /** First of its rows, within the row group. */
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
  /** The buffers, when all rows are there. */
  finish(): { readonly values: Place; readonly offsets: Place | null }
}

/** The result of a kernel, when it is not a fault. */
export function checked(result: number, { fail }: Pick<Workplace, 'fail'>): number {
  return result < 0 ? fail(`a page ${describeFault(result)}`) : result
}

/** Reads the indices of a dictionary-coded page in batches; each is in `scratch.indices` while `look` is called. */
export function eachIndexBatch(
  page: OpenPage,
  work: Workplace,
  look: (dictionary: Dictionary, done: number, count: number) => void,
): void {
  const { kernels, scratch, fail } = work
  const { dictionary, values, present } = page
  // A page of nulls may lack even the width.
  if (present === 0) return
  if (dictionary === undefined) return fail('a page names entries, but there is no dictionary')
  const state = scratch.state.start
  checked(kernels.startIndices(state, values.start, values.end), work)
  for (let done = 0; done < present; done += INDEX_BATCH) {
    const count = Math.min(INDEX_BATCH, present - done)
    const { indices } = scratch
    checked(kernels.readIndices(state, count, dictionary.count, indices.start, indices.end), work)
    look(dictionary, done, count)
  }
}
