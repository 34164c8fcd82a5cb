import { GatewayError } from '../errors.ts'
import type { ValueForm } from './chunk-plan.ts'
import type { Place } from './kernel-inflate.ts'
import { encodings } from './kernel-pages.ts'
import {
  checked,
  type Dictionary,
  eachIndexBatch,
  isDictionaryCoded,
  type OpenPage,
  type RowBatch,
  type ValueSink,
  type Workplace,
} from './kernel-values.ts'

/** Arrow's offsets of utf8 and binary are signed and of 32 bits. */
const COLUMN_BYTES_MAX = 2 ** 31 - 1

/** Room behind the last value, so that its copy may be whole vectors too: kernels/copy.ts. */
const SLACK_BYTES = 64

/**
 * Text and binary: offsets, then bytes, which grow page by page. What a page adds is known, or bounded by the
 * page's own size, before it is written.
 */
export function bytesSink(form: BytesForm, rowCount: number, work: Workplace): ValueSink {
  const { kernels, output } = work
  const { isText, offsetBytes } = form
  const offsetsBytes = (rowCount + 1) * offsetBytes
  const start = output.take(offsetsBytes)
  const offsets = { start, end: start + offsetsBytes }
  const data = output.take(0)
  const sink: ByteSink = { offsets, data, used: 0, work }
  // The first offset is there even when there are no rows.
  checked(kernels.plainBytes(0, 0, 0, offsets.start, offsets.end, data, 0, data), work)
  const scatter = ({ first, rows, present }: RowBatch, validity: Place): void => {
    if (present === rows) return
    const result = kernels.scatterOffsets(
      offsets.start + first * 4,
      offsets.end,
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
        eachIndexBatch(page, work, (dictionary, batch) => {
          gatherValues(sink, dictionary, batch)
          scatter(batch, validity)
        })
        return
      }
      const at = offsets.start + page.first * 4
      if (page.present > 0) readValues(sink, page, at)
      if (isText && page.present > 0) checked(kernels.checkUtf8(data, at, page.present), work)
      scatter(page, validity)
    },
    finish: (rows) => {
      output.growTo(data + sink.used)
      if (offsetBytes === 8) {
        checked(kernels.widenOffsets(offsets.start, rows + 1, offsets.end), work)
      }
      const end = offsets.start + (rows + 1) * offsetBytes
      return {
        values: { start: data, end: data + sink.used },
        offsets: { start: offsets.start, end },
      }
    },
  }
}

type BytesForm = Extract<ValueForm, { kind: 'bytes' }>

interface ByteSink {
  readonly offsets: Place
  /** Where the bytes begin. */
  readonly data: number
  /** How many there are. */
  used: number
  readonly work: Workplace
}

/** Makes room for `bytes` more; answers where the room ends. */
function reserve({ data, used, work }: ByteSink, bytes: number): number {
  if (used + bytes > COLUMN_BYTES_MAX) {
    throw new GatewayError(
      'too_large',
      `${work.column} has more than ${COLUMN_BYTES_MAX} bytes in a row group: write smaller ones`,
    )
  }
  const end = data + used + bytes + SLACK_BYTES
  work.output.growTo(Math.max(end, work.output.top))
  return end
}

/** Appends the values that are present; `at` is the address of the offset where they begin. */
function readValues(sink: ByteSink, page: OpenPage, at: number): void {
  const { data, offsets, work } = sink
  const { kernels, scratch, fail } = work
  const { present, values } = page
  const { start, end } = values
  switch (page.encoding) {
    case encodings.plain: {
      const room = end - start - present * 4
      if (room < 0) fail(`a page of ${end - start} bytes claims ${present} values`)
      const to = [at, offsets.end, data, sink.used, reserve(sink, room)] as const
      sink.used = checked(kernels.plainBytes(start, end, present, ...to), work)
      return
    }
    case encodings.deltaLengthBytes: {
      const to = [at, offsets.end, data, sink.used, reserve(sink, end - start)] as const
      sink.used = checked(kernels.deltaLengthBytes(start, end, present, ...to), work)
      return
    }
    case encodings.deltaBytes: {
      const notes = scratch.staging
      const bytes = checked(
        kernels.deltaBytesLength(start, end, present, notes.start, notes.end),
        work,
      )
      const to = [at, offsets.end, data, sink.used, reserve(sink, bytes)] as const
      sink.used = checked(kernels.deltaBytes(notes.start, present, end, ...to), work)
      return
    }
    default:
      fail(`a page has encoding ${page.encoding}`)
  }
}

/** Bytes that a batch may take without being measured first, when there is room: a bound that costs nothing. */
const UNMEASURED_BYTES_MAX = 1024 * 1024

function gatherValues(
  sink: ByteSink,
  { entries, bytesEnd, longest }: Dictionary,
  { first, present }: RowBatch,
): void {
  const { data, offsets, work } = sink
  const { kernels, scratch } = work
  const { start } = scratch.indices
  const bound = longest * present
  const isRoomy =
    bound <= UNMEASURED_BYTES_MAX && data + sink.used + bound + SLACK_BYTES <= work.output.limit
  const bytes = isRoomy ? bound : kernels.gatherBytesLength(start, present, entries.start)
  const at = offsets.start + first * 4
  const end = reserve(sink, bytes)
  const result = kernels.gatherBytes(
    start,
    present,
    entries.start,
    longest,
    bytesEnd,
    at,
    offsets.end,
    data,
    sink.used,
    end,
  )
  sink.used = checked(result, work)
}
