import type { ChunkPlan } from './chunk-plan.ts'
import { aligned, type Arena } from './kernel-arena.ts'
import type { Place } from './kernel-inflate.ts'
import { isLeafPlan } from './nested-plan.ts'
import { encodings, type Page, type PagedChunk } from './kernel-pages.ts'

/** Indices that are unpacked before their values are looked up: 16 KiB stay in the nearest cache. */
export const INDEX_BATCH = 4096

/** Bytes of a hybrid reader's state: kernels/hybrid.ts. */
const STATE_BYTES = 32

/** Address and length of a dictionary's entry: kernels/plain-bytes.ts. */
const TABLE_ENTRY_BYTES = 8

/** Decimals in byte arrays may be padded; what is longer than this in a delta encoding is refused. */
const DECIMAL_TEXT_BYTES_MAX = 64

/** Vectors may read, never write, so far behind the last byte of a page. */
export const SLACK_BYTES = 64

/** Room that all chunks of a row group share, one after the other. */
export interface Scratch {
  /** A page as stored, when the row group's buffer is not in the kernels' memory. */
  readonly input: Place
  /** A page decompressed. */
  readonly page: Place
  /** The dictionary page decompressed. */
  readonly dictionary: Place
  /** Its entries in Arrow's form, or where they lie. */
  readonly table: Place
  readonly state: Place
  readonly indices: Place
  /** Values on their way from an encoding to their form. */
  readonly staging: Place
  /** Levels of a page's values, a byte each. */
  readonly repetitions: Place
  readonly definitions: Place
}

/** Room of one chunk that is read some rows at a time, between which others are read. */
export interface OwnScratch extends Scratch {
  /** The validity of a page's rows, whole. */
  readonly levels: Place
}

/** Takes the room that the largest page of each kind needs. */
export function layScratch(
  chunks: readonly PagedChunk[],
  isForeign: boolean,
  arena: Arena,
): Scratch {
  const indices = takeRoom(INDEX_BATCH * 4, arena)
  return { indices, ...takeRooms(needsOf(chunks, isForeign), arena) }
}

/** What each chunk needs alone. */
export function ownNeeds(chunks: readonly PagedChunk[], isForeign: boolean): readonly OwnNeeds[] {
  return chunks.map((chunk) => ({
    ...needsOf([chunk], isForeign),
    levels: levelBytes(chunk),
  }))
}

/** Room for each chunk alone; only `indices` is used by all of them. */
export function layOwnScratch(needs: readonly OwnNeeds[], arena: Arena): OwnScratch[] {
  const indices = takeRoom(INDEX_BATCH * 4, arena)
  return needs.map((own) => ({
    indices,
    levels: takeRoom(own.levels, arena),
    ...takeRooms(own, arena),
  }))
}

/** Bytes that {@link layOwnScratch} takes of an arena that begins at a multiple of its alignment. */
export function ownScratchBytes(needs: readonly OwnNeeds[]): number {
  return needs
    .flatMap((own) => Object.values(own))
    .reduce((sum, bytes) => sum + roomBytes(bytes), roomBytes(INDEX_BATCH * 4))
}

function roomBytes(bytes: number): number {
  return aligned(bytes + SLACK_BYTES)
}

type Needs = Record<Exclude<keyof Scratch, 'indices'>, number>
type OwnNeeds = Record<Exclude<keyof OwnScratch, 'indices'>, number>

function needsOf(chunks: readonly PagedChunk[], isForeign: boolean): Needs {
  const needs: Needs = {
    state: STATE_BYTES,
    input: 0,
    page: 0,
    dictionary: 0,
    table: 0,
    staging: 0,
    repetitions: 0,
    definitions: 0,
  }
  for (const { chunk, pages } of chunks) {
    for (const page of pages) {
      const kind = page.type === 'dictionary' ? 'dictionary' : 'page'
      needs[kind] = Math.max(needs[kind], page.uncompressedBytes)
      if (isForeign) needs.input = Math.max(needs.input, page.compressedBytes)
      if (kind === 'dictionary') needs.table = Math.max(needs.table, tableBytes(chunk, page))
      else {
        needs.staging = Math.max(needs.staging, stagingBytes(chunk, page))
        addLevels(needs, chunk, page)
      }
    }
  }
  return needs
}

function takeRooms(needs: Needs, arena: Arena): Record<keyof Needs, Place> {
  return {
    state: takeRoom(needs.state, arena),
    input: takeRoom(needs.input, arena),
    page: takeRoom(needs.page, arena),
    dictionary: takeRoom(needs.dictionary, arena),
    table: takeRoom(needs.table, arena),
    staging: takeRoom(needs.staging, arena),
    repetitions: takeRoom(needs.repetitions, arena),
    definitions: takeRoom(needs.definitions, arena),
  }
}

function addLevels(needs: Needs, chunk: ChunkPlan, { valueCount }: Page): void {
  if (!isLeafPlan(chunk)) return
  const { definitionMax, elements } = chunk.levels
  if (definitionMax > 0) needs.definitions = Math.max(needs.definitions, valueCount)
  if (elements.length > 0) needs.repetitions = Math.max(needs.repetitions, valueCount)
}

function takeRoom(bytes: number, arena: Arena): Place {
  const start = arena.take(bytes + SLACK_BYTES)
  return { start, end: start + bytes }
}

function levelBytes({ chunk, pages }: PagedChunk): number {
  if (!chunk.isOptional || isLeafPlan(chunk)) return 0
  return pages.reduce((most, page) => Math.max(most, Math.ceil(page.valueCount / 8)), 0)
}

/** A dictionary cannot have more entries than its page has room for, whatever its header says. */
function tableBytes({ form }: ChunkPlan, page: Page): number {
  if (form.kind === 'bits') return 0
  const entryBytes = form.kind === 'fixed' && form.sourceBytes > 0 ? form.sourceBytes : 4
  const entries = Math.min(page.valueCount, Math.floor(page.uncompressedBytes / entryBytes))
  return entries * (form.kind === 'bytes' ? TABLE_ENTRY_BYTES : form.valueBytes)
}

function stagingBytes({ form }: ChunkPlan, { encoding, valueCount, uncompressedBytes }: Page) {
  if (form.kind === 'bits') return encoding === encodings.rle ? Math.ceil(valueCount / 8) : 0
  const notes = valueCount * 8 + SLACK_BYTES
  const offsets = valueCount * 4 + SLACK_BYTES
  if (form.kind === 'bytes') return encoding === encodings.deltaBytes ? notes : 0
  const width = form.sourceBytes === 0 ? DECIMAL_TEXT_BYTES_MAX : form.sourceBytes
  switch (encoding) {
    case encodings.deltaIntegers:
    case encodings.splitStreams:
      return valueCount * width
    case encodings.deltaLengthBytes:
      return offsets + uncompressedBytes
    case encodings.deltaBytes:
      return notes + offsets + valueCount * width
    default:
      return 0
  }
}
