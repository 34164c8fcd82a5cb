import type { Place } from './kernel-inflate.ts'
import { encodings } from './kernel-pages.ts'
import { checked, type OpenPage, type ValueSink, type Workplace } from './kernel-values.ts'

/** Bytes of the length before RLE-coded booleans: Encodings.md, "RLE". */
export const LENGTH_BYTES = 4

/** Booleans, a bit each. Null rows hold 0. */
export function bitsSink(rowCount: number, work: Workplace): ValueSink {
  const { kernels, output } = work
  const bytes = Math.ceil(rowCount / 8)
  const start = output.take(bytes)
  const all = { start, end: start + bytes }
  return {
    append: (page) => {
      const { bit, first, rows, present, validity } = page
      const from = page.encoding === encodings.rle ? unpackRuns(page, work) : page.values
      const result =
        present === rows
          ? kernels.appendBits(from.start, from.end, bit, rows, all.start, first, all.end)
          : kernels.spreadBits(
              from.start,
              from.end,
              bit,
              validity.start,
              validity.end,
              first,
              rows,
              all.start,
              all.end,
            )
      checked(result, work)
    },
    finish: (rows) => {
      const values = { start, end: start + Math.ceil(rows / 8) }
      output.growTo(values.end)
      return { values, offsets: null }
    },
  }
}

/** The runs as a bitmap in the staging room. */
export function unpackRuns(
  { values, present }: Pick<OpenPage, 'values' | 'present'>,
  work: Workplace,
): Place {
  const { kernels, scratch } = work
  const { start, end } = scratch.staging
  if (present === 0) return { start, end: start }
  const runs = { start: Math.min(values.start + LENGTH_BYTES, values.end), end: values.end }
  checked(kernels.readBits(runs.start, runs.end, present, start, 0, end), work)
  return { start, end: start + Math.ceil(present / 8) }
}
