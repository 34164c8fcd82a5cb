import assert from 'node:assert'

import type { ArrowType } from '../arrow/arrow-type.ts'
import type { Column } from '../arrow/column.ts'
import { GatewayError } from '../errors.ts'
import { loadDictionary } from './kernel-chunk.ts'
import {
  countPresent,
  lastDefinition,
  openNestedPage,
  type PageLevels,
  sliceLevels,
} from './kernel-levels.ts'
import {
  appendPart,
  finishLeaf,
  joinLeaves,
  type LeafParts,
  offsetBytes,
  openLeaf,
} from './kernel-nested.ts'
import type { Page, PagedChunk } from './kernel-pages.ts'
import { meanTextBytes, type ReaderWorkplace } from './kernel-reader.ts'
import type { Dictionary } from './kernel-values.ts'
import type { LeafPlan, NestedNode } from './nested-plan.ts'
import { advance, nextValues, openCursor, type PageCursor, skipValues } from './page-cursor.ts'

/** Buffers begin and end at multiples of 64; a leaf has three at most, a group two. */
const BUFFER_BYTES = 64
const LEAF_BUFFERS = 3
const GROUP_BUFFERS = 2

/** The next rows may have so many more places below lists than those before, and texts be so much longer. */
const MARGIN = 1.1
const PLACES_MORE = 64

/** A chunk of a nested column and where it is read. */
export interface LeafToRead {
  readonly paged: PagedChunk<LeafPlan>
  readonly work: ReaderWorkplace
}

/**
 * Reads a nested column some rows at a time, as ChunkReader does flat ones: each leaf stands in a page of its own,
 * whose levels and values stay decompressed.
 */
export class NestedReader {
  readonly type: ArrowType
  readonly #root: NestedNode
  readonly #leaves: readonly LeafReader[]
  readonly #fail: PagedChunk['fail']

  constructor(root: NestedNode, leaves: readonly LeafToRead[]) {
    const [first] = leaves
    const group = first?.paged.chunk.groups[0]
    assert(first !== undefined && group !== undefined, 'a nested column is a group')
    this.type = group.type
    this.#root = root
    this.#leaves = leaves.map((leaf) => new LeafReader(leaf))
    this.#fail = first.paged.fail
  }

  estimateBytes(rowCount: number): number {
    return this.#leaves.reduce((sum, leaf) => sum + leaf.estimateBytes(rowCount), 0)
  }

  read(rowCount: number): Column {
    const parts = this.#leaves.map((leaf) => leaf.read(rowCount))
    return joinLeaves(this.#root, parts, this.#fail)
  }

  seek(row: number): void {
    for (const leaf of this.#leaves) leaf.seek(row)
  }
}

/** A page that is open; rows of the cursor are values. */
interface OpenLeafPage {
  readonly levels: PageLevels
  readonly cursor: PageCursor
}

/** Where a page begins: rows before it, and the last definition level of the page before. */
interface PageStart {
  readonly row: number
  readonly before: number
}

class LeafReader {
  readonly #chunk: LeafPlan
  readonly #paged: PagedChunk<LeafPlan>
  readonly #work: ReaderWorkplace
  readonly #pages: readonly Page[]
  /** Of the data pages up to the one that is opened next; known as they are opened. */
  readonly #starts: PageStart[] = [{ row: 0, before: 0 }]
  #dictionary: Dictionary | undefined
  #page: OpenLeafPage | undefined
  #next = 0
  #row = 0
  /** Values per row, as far as is known. */
  #density: number
  /** Values of the next row, once there was no room for them; 0: not known. */
  #rowValues = 0
  /** Bytes of text per value. */
  #textBytes: number

  constructor({ paged, work }: LeafToRead) {
    this.#paged = paged
    this.#chunk = paged.chunk
    this.#work = work
    this.#pages = paged.pages.filter(({ type }) => type !== 'dictionary')
    this.#density = paged.chunk.valueCount / Math.max(paged.rowCount, 1)
    this.#textBytes = meanTextBytes(paged)
  }

  estimateBytes(rowCount: number): number {
    const { form, groups } = this.#chunk
    const places = this.#placesOf(rowCount)
    const padding = (LEAF_BUFFERS + groups.length * GROUP_BUFFERS) * BUFFER_BYTES
    const own = groups.reduce(
      (sum, { repetition, isList, type }) => {
        const slots = repetition === 0 ? rowCount : places
        return sum + slots / 8 + (isList ? (slots + 1) * offsetBytes(type) : 0)
      },
      padding + places / 8,
    )
    switch (form.kind) {
      case 'bits':
        return Math.ceil(own + places / 8)
      case 'fixed':
        return Math.ceil(own + places * form.valueBytes)
      case 'bytes':
        return Math.ceil(own + (places + 1) * form.offsetBytes + places * this.#textBytes * MARGIN)
    }
  }

  read(rowCount: number): LeafParts {
    const { fail } = this.#paged
    const placesMax = Math.max(this.#placesMax(rowCount), this.#rowValues)
    this.#density = Math.max(this.#density, placesMax / Math.max(rowCount, 1))
    const { output } = this.#work
    const sink = openLeaf(this.#chunk, { rows: rowCount, places: placesMax }, this.#work)
    const dataStart = output.top
    let values = 0
    for (let page = this.#openNext(); page !== undefined; page = this.#openNext()) {
      const count = this.#valuesOf(page, rowCount - sink.rows)
      values += count
      if (values > placesMax) throw this.#denser(rowCount)
      if (count > 0) this.#take(page, count, (part) => appendPart(sink, part))
      if (page.cursor.row < page.cursor.rows) break
    }
    if (sink.rows !== rowCount) fail(`it has ${sink.rows} of ${rowCount} rows that its pages say`)
    this.#row += rowCount
    const isMore = (this.#page?.cursor.row ?? 0) < (this.#page?.cursor.rows ?? 0)
    if (this.#row === this.#paged.rowCount && isMore) fail(`it holds more than ${this.#row} rows`)
    const parts = finishLeaf(sink)
    this.#density = values / Math.max(rowCount, 1)
    this.#rowValues = 0
    if (this.#chunk.form.kind === 'bytes') {
      this.#textBytes = Math.max(0, output.top - dataStart) / Math.max(values, 1)
    }
    return parts
  }

  /** Goes to a row, forwards or back: to the page in which it begins, as far as that is known. */
  seek(row: number): void {
    const known = this.#starts.findLastIndex((start) => start.row <= row)
    this.#next = Math.max(0, known)
    this.#page = undefined
    if (row !== this.#row) this.#rowValues = 0
    this.#row = row
    let left = row - (this.#starts[this.#next]?.row ?? 0)
    for (let page = this.#openNext(); page !== undefined; page = this.#openNext()) {
      const count = this.#valuesOf(page, left)
      if (count > 0) left -= this.#skip(page, count)
      if (page.cursor.row < page.cursor.rows) break
    }
    if (left > 0) this.#paged.fail('it has fewer rows than its pages say')
  }

  /** A bound of the values of the next rows: exact for those in the page that is open. */
  #placesMax(rowCount: number): number {
    const page = this.#openNext()
    if (page === undefined || this.#chunk.levels.elements.length === 0) return rowCount
    const { cursor } = page
    const here = this.#valuesOf(page, rowCount)
    if (cursor.row + here < cursor.rows) return here
    const slice = { start: cursor.row, count: here }
    const { slots } = sliceLevels(page.levels, slice, this.#chunk, this.#work)
    const later = this.#pages.slice(this.#next).reduce((sum, one) => sum + one.valueCount, 0)
    // The last row of the page may go on.
    return here + Math.min(later, this.#placesOf(rowCount - (slots[0] ?? 0) + 1))
  }

  #placesOf(rowCount: number): number {
    if (this.#chunk.levels.elements.length === 0) return rowCount
    const likely = Math.ceil(rowCount * this.#density * MARGIN) + PLACES_MORE
    return Math.min(Math.max(likely, this.#rowValues), this.#chunk.valueCount)
  }

  /** To be tried again with fewer rows: of one row it is known then how much it needs. */
  #denser(rowCount: number): GatewayError {
    this.#density *= 2
    this.#rowValues = this.#measureRow()
    return new GatewayError(
      'too_large',
      `${this.#paged.column} has more values in ${rowCount} rows than there is room for`,
    )
  }

  /** Counts the values of the next row; where to go on has to be told. */
  #measureRow(): number {
    this.seek(this.#row)
    let values = 0
    for (let page = this.#openNext(); page !== undefined; page = this.#openNext()) {
      const count = this.#valuesOf(page, values === 0 ? 1 : 0)
      values += count
      page.cursor.row += count
      if (page.cursor.row < page.cursor.rows) break
    }
    return values
  }

  /** The page of the next value; undefined behind the last. */
  #openNext(): OpenLeafPage | undefined {
    let page = this.#page
    while (page === undefined || page.cursor.row === page.cursor.rows) {
      const next = this.#pages[this.#next]
      if (next === undefined) return
      page = this.#open(next, this.#next++)
      this.#page = page
    }
    return page
  }

  #open(page: Page, index: number): OpenLeafPage {
    const chunk = this.#chunk
    const work = this.#work
    const [first] = this.#paged.pages
    if (first?.type === 'dictionary') this.#dictionary ??= loadDictionary(first, chunk, work)
    const start = this.#starts[index]
    assert(start !== undefined, 'pages are opened in order')
    const { values, levels, present } = openNestedPage(page, chunk, start.before, work)
    this.#starts[index + 1] = {
      row: start.row + (levels.slots[0] ?? 0),
      before: lastDefinition(levels, chunk, start.before, work),
    }
    const opened = { values, rows: levels.count, present }
    return { levels, cursor: openCursor(page, opened, chunk, work) }
  }

  /** How many values of the page belong to the next rows, and to the one that goes on. */
  #valuesOf({ levels, cursor }: OpenLeafPage, rows: number): number {
    const rest = cursor.rows - cursor.row
    if (this.#chunk.levels.elements.length === 0) return Math.min(rest, rows)
    return this.#work.kernels.rowsEnd(levels.repetitions + cursor.row, rest, rows)
  }

  #take(
    { levels, cursor }: OpenLeafPage,
    count: number,
    append: (part: Parameters<typeof appendPart>[1]) => void,
  ): void {
    const chunk = this.#chunk
    const isWhole = count === cursor.rows
    const part = isWhole
      ? levels
      : sliceLevels(levels, { start: cursor.row, count }, chunk, this.#work)
    const present = isWhole ? cursor.present : countPresent(part, chunk, this.#work)
    const values = nextValues(cursor, { rows: count, present }, chunk, this.#work)
    const { encoding, bit, isBegun } = cursor
    append({ encoding, values, bit, isBegun, levels: part, dictionary: this.#dictionary })
    advance(cursor, { rows: count, present, values }, chunk)
  }

  /** Answers how many rows begin in the values that are stepped over. */
  #skip({ levels, cursor }: OpenLeafPage, count: number): number {
    const chunk = this.#chunk
    const work = this.#work
    const part = sliceLevels(levels, { start: cursor.row, count }, chunk, work)
    const present = countPresent(part, chunk, work)
    skipValues(cursor, { rows: count, present }, { chunk, work }, this.#dictionary)
    return part.slots[0] ?? 0
  }
}
