import type { ValueForm } from './chunk-plan.ts'
import type { Place } from './kernel-inflate.ts'
import { encodings } from './kernel-pages.ts'
import {
  checked,
  eachIndexBatch,
  isDictionaryCoded,
  type OpenPage,
  type RowBatch,
  type ValueSink,
  type Workplace,
} from './kernel-values.ts'

type FixedForm = Extract<ValueForm, { kind: 'fixed' }>

/** Values of one width: numbers, decimals, fixed-size binary. Null rows hold zeros. */
export function fixedSink(form: FixedForm, rowCount: number, work: Workplace): ValueSink {
  const { kernels, output } = work
  const width = form.valueBytes
  const start = output.take(rowCount * width)
  const all = { start, end: start + rowCount * width }
  const placeOf = (first: number): Place => ({ start: start + first * width, end: all.end })
  const scatter = ({ first, rows, present }: RowBatch, validity: Place): void => {
    if (present === rows) return
    const result = kernels.scatterFixed(
      start + first * width,
      all.end,
      width,
      validity.start,
      validity.end,
      first,
      rows,
      present,
    )
    checked(result, work)
  }
  return {
    append: (page) => {
      const { validity } = page
      // A page of nulls may lack everything else.
      if (page.present > 0 && isDictionaryCoded(page)) {
        eachIndexBatch(page, work, ({ entries }, batch) => {
          const { start: indices } = work.scratch.indices
          const out = placeOf(batch.first)
          checked(
            kernels.gatherFixed(indices, batch.present, entries.start, width, out.start, out.end),
            work,
          )
          scatter(batch, validity)
        })
        return
      }
      if (page.present > 0) readValues(page, form, placeOf(page.first), work)
      scatter(page, validity)
    },
    finish: (rows) => {
      const values = { start, end: start + rows * width }
      output.growTo(values.end)
      return { values, offsets: null }
    },
  }
}

/** Puts the values that are present at the beginning of `out`. */
function readValues(page: OpenPage, form: FixedForm, out: Place, work: Workplace): void {
  const { kernels, fail } = work
  const { present } = page
  const { start, end } = page.values
  switch (page.encoding) {
    case encodings.plain:
      convert(form, page.values, present, { out, work })
      return
    case encodings.deltaIntegers:
      staged(form, present, { out, work }, (to) =>
        kernels.deltaIntegers(start, end, present, form.sourceBytes, to.start, to.end),
      )
      return
    case encodings.splitStreams:
      staged(form, present, { out, work }, (to) =>
        kernels.joinStreams(start, end, present, form.sourceBytes, to.start, to.end),
      )
      return
    case encodings.deltaLengthBytes:
    case encodings.deltaBytes:
      readSlices(page, form, out, work)
      return
    default:
      fail(`a page has encoding ${page.encoding}`)
  }
}

interface Target {
  readonly out: Place
  readonly work: Workplace
}

/** Decodes at once to where the values belong, or to the staging room when they are still to be converted. */
function staged(
  form: FixedForm,
  count: number,
  target: Target,
  decode: (to: Place) => number,
): void {
  const { out, work } = target
  if (form.step === 'copy') {
    checked(decode(out), work)
    return
  }
  const { start } = work.scratch.staging
  const values = { start, end: start + count * form.sourceBytes }
  checked(decode(values), work)
  convert(form, values, count, target)
}

/** PLAIN values in Arrow's form. */
export function convert(form: FixedForm, from: Place, count: number, { out, work }: Target): void {
  checked(converted(form, from, count, { out, work }), work)
}

function converted(form: FixedForm, { start, end }: Place, count: number, target: Target): number {
  const { out, work } = target
  const { kernels } = work
  const { sourceBytes, valueBytes, signed } = form
  switch (form.step) {
    case 'copy':
      return kernels.plainFixed(start, end, count, valueBytes, out.start, out.end)
    case 'narrow':
      return kernels.narrow(start, end, count, valueBytes, Number(signed), out.start, out.end)
    case 'widen':
      return kernels.widen(start, end, count, sourceBytes, out.start, valueBytes, out.end)
    case 'int96':
      return kernels.int96(start, end, count, out.start, out.end)
    case 'reverse':
      return kernels.reverseFixed(start, end, count, sourceBytes, out.start, valueBytes, out.end)
    case 'reverse_bytes':
      return kernels.reverseBytes(start, end, count, out.start, valueBytes, out.end)
  }
}

/** DELTA_LENGTH_BYTE_ARRAY and DELTA_BYTE_ARRAY of fixed-length values and of decimals in byte arrays. */
function readSlices(page: OpenPage, form: FixedForm, out: Place, work: Workplace): void {
  const { kernels } = work
  const { present } = page
  const slices = readStagedSlices(page, work)
  if (form.sourceBytes === 0) {
    checked(
      kernels.reverseSlices(
        slices.offsets,
        present,
        slices.data.start,
        out.start,
        form.valueBytes,
        out.end,
      ),
      work,
    )
    return
  }
  checked(kernels.evenSlices(slices.offsets, present, form.sourceBytes), work)
  convert(form, slices.data, present, { out, work })
}

/** Staging holds the notes of DELTA_BYTE_ARRAY, then offsets, then the bytes. */
function readStagedSlices(
  { encoding, present, values }: OpenPage,
  work: Workplace,
): { readonly offsets: number; readonly data: Place } {
  const { kernels, scratch } = work
  const room = scratch.staging
  const isPrefixed = encoding === encodings.deltaBytes
  const offsets = room.start + (isPrefixed ? present * 8 + 4 : 0)
  const data = offsets + (present + 1) * 4
  if (!isPrefixed) {
    const length = checked(
      kernels.deltaLengthBytes(values.start, values.end, present, offsets, data, data, 0, room.end),
      work,
    )
    return { offsets, data: { start: data, end: data + length } }
  }
  checked(kernels.deltaBytesLength(values.start, values.end, present, room.start, offsets), work)
  const length = checked(
    kernels.deltaBytes(room.start, present, values.end, offsets, data, data, 0, room.end),
    work,
  )
  return { offsets, data: { start: data, end: data + length } }
}
