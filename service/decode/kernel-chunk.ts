import type { Column } from '../arrow/column.ts'
import type { ChunkPlan } from './chunk-plan.ts'
import { aligned } from './kernel-arena.ts'
import { bitsSink, LENGTH_BYTES } from './kernel-bits.ts'
import { bytesSink } from './kernel-bytes.ts'
import { convert, fixedSink } from './kernel-fixed.ts'
import { inflate, type Place } from './kernel-inflate.ts'
import { encodings, type Page, type PagedChunk } from './kernel-pages.ts'
import { SLACK_BYTES } from './kernel-scratch.ts'
import { checked, type Dictionary, type ValueSink, type Workplace } from './kernel-values.ts'

/** A workplace that knows where the chunk's bytes are. */
export interface ChunkWorkplace extends Workplace {
  /** The kernels' memory as it is now: growing makes longer views. */
  memory(): Uint8Array
  /** Brings a stretch of the row group's buffer into the kernels' memory. */
  bring(start: number, end: number): Place
}

/**
 * Decodes a chunk page by page. Its buffers follow each other in the output: validity (where there are levels),
 * offsets, values, each padded with zeros.
 */
export function decodeChunk(
  { chunk, pages }: PagedChunk,
  rowCount: number,
  work: ChunkWorkplace,
): Column {
  const validity = takeValidity(chunk, rowCount, work)
  const sink = openSink(chunk, rowCount, work)
  let dictionary: Dictionary | undefined
  let first = 0
  let present = 0
  for (const page of pages) {
    if (page.type === 'dictionary') {
      dictionary = loadDictionary(page, chunk, work)
      continue
    }
    const { values, levels } = openPage(page, chunk, work)
    const rows = page.valueCount
    const presentHere = levels === null ? rows : readLevels(levels, { validity, first, rows }, work)
    const { encoding } = page
    const part = { first, rows, present: presentHere, bit: 0, isBegun: false }
    sink.append({ encoding, values, ...part, validity, dictionary })
    first += rows
    present += presentHere
  }
  return toColumn(chunk, { rowCount, nullCount: rowCount - present }, { validity, sink, work })
}

function takeValidity(chunk: ChunkPlan, rowCount: number, { output }: Workplace): Place {
  const bytes = chunk.isOptional ? Math.ceil(rowCount / 8) : 0
  const start = output.take(bytes)
  return { start, end: start + bytes }
}

/** A sink for rows at the top of the output. */
export function openSink({ form }: ChunkPlan, rowCount: number, work: Workplace): ValueSink {
  switch (form.kind) {
    case 'bits':
      return bitsSink(rowCount, work)
    case 'bytes':
      return bytesSink(form, rowCount, work)
    case 'fixed':
      return fixedSink(form, rowCount, work)
  }
}

/** Decompresses a page to `room`, or finds it where it is when it is stored as it is. */
function inflatePage(
  page: Page,
  chunk: ChunkPlan,
  { from, bytes, room }: { readonly from: Place; readonly bytes: number; readonly room: Place },
  work: ChunkWorkplace,
): Place {
  const { fail, kernels } = work
  const codec = page.isCompressed ? chunk.codec : 'uncompressed'
  if (codec === 'uncompressed') {
    const held = from.end - from.start
    return held === bytes ? from : fail(`a page claims ${bytes} bytes, it has ${held}`)
  }
  const to = { start: room.start, end: room.start + bytes }
  if (bytes > 0) inflate(codec, { from, to }, { kernels, memory: work.memory() }, fail)
  return to
}

/** Brings a dictionary page into the form for look-ups. */
export function loadDictionary(page: Page, chunk: ChunkPlan, work: ChunkWorkplace): Dictionary {
  const { kernels, scratch, fail } = work
  const { form } = chunk
  const { valueCount: count, uncompressedBytes: bytes } = page
  if (page.encoding !== encodings.plain && page.encoding !== encodings.plainDictionary) {
    fail(`a dictionary has encoding ${page.encoding}`)
  }
  const stored = work.bring(page.start, page.end)
  const room = scratch.dictionary
  const found = inflatePage(page, chunk, { from: stored, bytes, room }, work)
  if (found.start !== room.start) {
    work.memory().copyWithin(room.start, found.start, found.end)
  }
  const raw = { start: room.start, end: room.start + bytes }
  const { table } = scratch
  if (form.kind === 'fixed') {
    convert(form, raw, count, { out: table, work })
    return { entries: table, bytesEnd: 0, count, longest: 0 }
  }
  if (form.kind === 'bits') return fail('a column of booleans has a dictionary')
  const longest = checked(
    kernels.byteTable(raw.start, raw.end, count, table.start, table.end),
    work,
  )
  if (form.isText) checked(kernels.checkUtf8Table(table.start, count), work)
  // Entries near the end of a small dictionary are copied as whole vectors too, four times as fast.
  return { entries: table, bytesEnd: room.end + SLACK_BYTES, count, longest }
}

/** A data page, decompressed. */
export interface OpenedPage {
  readonly values: Place
  /** Null when the column has none: every row is there. */
  readonly levels: Place | null
}

/** Decompresses a data page of a flat column; its levels are not read yet. */
export function openPage(page: Page, chunk: ChunkPlan, work: ChunkWorkplace): OpenedPage {
  const { levels, body } = inflateData(page, chunk, work)
  if (!chunk.isOptional) return { values: body, levels: null }
  if (levels !== null) return { values: body, levels }
  const split = splitLevels(body, work)
  return { values: split.rest, levels: split.levels }
}

/** A data page, decompressed. */
export interface InflatedPage {
  /** Of a v2 page all levels; null: they are at the beginning of the body. */
  readonly levels: Place | null
  readonly body: Place
}

/** Decompresses a data page. */
export function inflateData(page: Page, chunk: ChunkPlan, work: ChunkWorkplace): InflatedPage {
  const stored = work.bring(page.start, page.end)
  const room = work.scratch.page
  if (page.type === 'data_v2') {
    const split = stored.start + page.levelBytes
    const from = { start: split, end: stored.end }
    const bytes = page.uncompressedBytes - page.levelBytes
    const body = inflatePage(page, chunk, { from, bytes, room }, work)
    return { levels: { start: stored.start, end: split }, body }
  }
  const whole = { from: stored, bytes: page.uncompressedBytes, room }
  return { levels: null, body: inflatePage(page, chunk, whole, work) }
}

/** Levels of a v1 page: their length comes first. */
export function splitLevels(
  { start, end }: Place,
  work: ChunkWorkplace,
): { readonly levels: Place; readonly rest: Place } {
  const { fail } = work
  const first = start + LENGTH_BYTES
  if (first > end) return fail('a page ends before its levels')
  const length = wordAt(work.memory(), start)
  if (length > end - first) fail(`a page claims ${length} bytes of levels`)
  const split = first + length
  return { levels: { start: first, end: split }, rest: { start: split, end } }
}

export function wordAt(memory: Uint8Array, at: number): number {
  const byte = (index: number): number => memory[at + index] ?? 0
  return (byte(0) | (byte(1) << 8) | (byte(2) << 16) | (byte(3) << 24)) >>> 0
}

/** Rows whose validity is appended to a bitmap that has `first` rows. */
interface Rows {
  readonly validity: Place
  readonly first: number
  readonly rows: number
}

/** Appends a page's definition levels to the bitmap; answers how many rows are present. */
export function readLevels(
  levels: Place,
  { validity, first, rows }: Rows,
  work: Workplace,
): number {
  const { kernels, fail } = work
  const result = kernels.readBits(
    levels.start,
    levels.end,
    rows,
    validity.start,
    first,
    validity.end,
  )
  return result < 0 ? fail('the levels of a page are malformed') : result
}

/** The finished sink's buffers as a column of views, each padded with zeros. */
export function toColumn(
  { type }: ChunkPlan,
  { rowCount, nullCount }: Pick<Column, 'rowCount' | 'nullCount'>,
  {
    validity,
    sink,
    work,
  }: { readonly validity: Place; readonly sink: ValueSink; readonly work: ChunkWorkplace },
): Column {
  const { values, offsets } = sink.finish(rowCount)
  const memory = work.memory()
  const bits = Math.min(validity.end - validity.start, Math.ceil(rowCount / 8))
  const bitmap = usedView(validity, bits, memory)
  return {
    type,
    rowCount,
    offset: 0,
    nullCount,
    validity: nullCount === 0 ? null : bitmap,
    values: usedView(values, values.end - values.start, memory),
    // What is between them is theirs.
    offsets:
      offsets === null
        ? null
        : usedView(
            { start: offsets.start, end: values.start },
            offsets.end - offsets.start,
            memory,
          ),
    children: [],
  }
}

/**
 * The part of a place that is used, at its beginning. Frames are made of a stretch as a whole: the rest, and the
 * padding, must not show what lay there before.
 */
export function usedView({ start, end }: Place, bytes: number, memory: Uint8Array): Uint8Array {
  const used = start + bytes
  const next = aligned(end)
  if (used < next) memory.fill(0, used, next)
  return memory.subarray(start, used)
}
