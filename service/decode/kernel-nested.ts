import assert from 'node:assert'

import type { Column } from '../arrow/column.ts'
import {
  type ChunkWorkplace,
  loadDictionary,
  openSink,
  paddedView,
  toColumn,
  wordAt,
} from './kernel-chunk.ts'
import type { Place } from './kernel-inflate.ts'
import { appendSlotBits, lastDefinition, openNestedPage, type PageLevels } from './kernel-levels.ts'
import type { Page, PagedChunk } from './kernel-pages.ts'
import { checked, type Dictionary, type ValueSink } from './kernel-values.ts'
import { type GroupPlan, type LeafPlan, type NestedNode, slotDefinition } from './nested-plan.ts'

/** A chunk of a nested column and where it is decoded. */
export interface NestedChunk {
  readonly paged: PagedChunk<LeafPlan>
  readonly work: ChunkWorkplace
}

/**
 * Decodes the chunks of a nested column one after the other, each page by page. A page's levels tell the validity and
 * the offsets of the groups that its chunk is the first in, and which of its own places have values; what is deeper
 * than the deepest list is read like a flat column that has a row for each place.
 */
export function decodeNested(root: NestedNode, chunks: readonly NestedChunk[]): Column {
  const parts = chunks.map(decodeLeaf)
  const [first] = chunks
  assert(first !== undefined, 'a column without leaves')
  const columns = parts.map(({ column }) => column)
  const groups = parts.flatMap((part) => part.groups)
  return assemble(root, { columns, groups, fail: first.paged.fail })
}

interface LeafParts {
  readonly column: Column
  readonly groups: readonly GroupColumn[]
}

function decodeLeaf({ paged, work }: NestedChunk): LeafParts {
  const { chunk, pages, rowCount, fail } = paged
  const groups = chunk.groups.map((group) => {
    const placesMax = group.repetition === 0 ? rowCount : chunk.valueCount
    return openGroup(group, placesMax, work)
  })
  const leaf = openLeaf(paged, work)
  let rows = 0
  let before = 0
  for (const page of pages) {
    if (page.type === 'dictionary') {
      leaf.dictionary = loadDictionary(page, chunk, work)
      continue
    }
    const { values, levels } = openNestedPage(page, chunk, before, work)
    for (const group of groups) appendGroup(group, levels, { chunk, work })
    appendValues(leaf, { page, values, levels }, { chunk, work })
    rows += levels.slots[0] ?? 0
    if (levels.count > 0 && chunk.levels.definitionMax > 0) {
      before = lastDefinition(levels, work.memory())
    }
  }
  if (rows !== rowCount) fail(`it holds ${rows} rows, not ${rowCount}`)
  const { sink, validity, places, present } = leaf
  const nullCount = chunk.isOptional ? places - present : 0
  const column = toColumn(chunk, { rowCount: places, nullCount }, { validity, sink, work })
  return { column, groups: groups.map((group) => finishGroup(group, work)) }
}

/** A chunk's column as it grows. */
interface LeafSink {
  readonly validity: Place
  readonly sink: ValueSink
  /** Rows of the column: places below the deepest list, null or not. */
  places: number
  present: number
  dictionary: Dictionary | undefined
}

function openLeaf({ chunk }: PagedChunk<LeafPlan>, work: ChunkWorkplace): LeafSink {
  const start = work.output.take(canLack(chunk) ? Math.ceil(chunk.valueCount / 8) : 0)
  const validity = { start, end: work.output.top }
  const sink = openSink(chunk, chunk.valueCount, work)
  return { validity, sink, places: 0, present: 0, dictionary: undefined }
}

/** Whether there may be places without a value: itself or a struct around it may be null. */
function canLack({ levels }: LeafPlan): boolean {
  return levels.definitionMax > slotDefinition(levels, levels.elements.length)
}

interface LeafPlace {
  readonly chunk: LeafPlan
  readonly work: ChunkWorkplace
}

function appendValues(
  leaf: LeafSink,
  {
    page,
    values,
    levels,
  }: { readonly page: Page; readonly values: Place; readonly levels: PageLevels },
  { chunk, work }: LeafPlace,
): void {
  const { elements, definitionMax } = chunk.levels
  const { validity, places: first } = leaf
  const rows = levels.slots[elements.length] ?? 0
  const bits = { repetition: elements.length, present: definitionMax }
  const present = canLack(chunk)
    ? appendSlotBits(levels, bits, { bitmap: validity, first }, { chunk, work })
    : rows
  const nulls = page.valueCount - present
  // Writers disagree on what a null is where there are lists.
  if (page.type === 'data_v2' && elements.length === 0 && nulls !== page.nullCount) {
    work.fail(
      `a page claims ${page.nullCount} nulls of ${page.valueCount} values, its levels tell ${nulls}`,
    )
  }
  leaf.sink.append({
    encoding: page.encoding,
    values,
    bit: 0,
    isBegun: false,
    first,
    rows,
    present,
    validity,
    dictionary: leaf.dictionary,
  })
  leaf.places += rows
  leaf.present += present
}

/** A list or a struct as it grows. */
interface GroupSink {
  readonly plan: GroupPlan
  readonly validity: Place
  readonly offsets: Place | null
  places: number
  present: number
}

function openGroup(plan: GroupPlan, placesMax: number, work: ChunkWorkplace): GroupSink {
  const { output } = work
  const start = output.take(plan.isNullable ? Math.ceil(placesMax / 8) : 0)
  const validity = { start, end: output.top }
  if (!plan.isList) return { plan, validity, offsets: null, places: 0, present: 0 }
  const at = output.take((placesMax + 1) * offsetBytes(plan))
  const offsets = { start: at, end: output.top }
  work.memory().fill(0, at, at + 4)
  return { plan, validity, offsets, places: 0, present: 0 }
}

function offsetBytes({ type }: GroupPlan): 4 | 8 {
  return type.kind === 'large_list' ? 8 : 4
}

function appendGroup(group: GroupSink, levels: PageLevels, { chunk, work }: LeafPlace): void {
  const { plan, validity, offsets, places: first } = group
  const { repetition, definition } = plan
  const places = levels.slots[repetition] ?? 0
  if (offsets !== null) {
    const element = slotDefinition(chunk.levels, repetition + 1)
    const result = work.kernels.listOffsets(
      levels.repetitions,
      levels.definitions,
      levels.count,
      repetition,
      slotDefinition(chunk.levels, repetition),
      element,
      offsets.start,
      first,
      offsets.end,
    )
    checked(result, work)
  }
  const bits = { repetition, present: definition }
  group.present += plan.isNullable
    ? appendSlotBits(levels, bits, { bitmap: validity, first }, { chunk, work })
    : places
  group.places += places
}

/** A group without what is in it. */
interface GroupColumn extends Omit<Column, 'children'> {
  /** Rows that its children must have. */
  readonly childRows: number
}

function finishGroup(
  { plan, validity, offsets, places, present }: GroupSink,
  work: ChunkWorkplace,
): GroupColumn {
  const memory = work.memory()
  const nullCount = places - present
  const bitmap = { start: validity.start, end: validity.start + Math.ceil(places / 8) }
  const group = {
    type: plan.type,
    rowCount: places,
    offset: 0,
    nullCount,
    validity: nullCount === 0 ? null : paddedView(bitmap, memory),
    values: null,
  }
  if (offsets === null) return { ...group, offsets: null, childRows: places }
  const { start } = offsets
  const childRows = wordAt(memory, start + places * 4)
  const width = offsetBytes(plan)
  if (width === 8) checked(work.kernels.widenOffsets(start, places + 1, offsets.end), work)
  const end = start + (places + 1) * width
  return { ...group, offsets: paddedView({ start, end }, memory), childRows }
}

interface Parts {
  readonly columns: readonly Column[]
  readonly groups: readonly GroupColumn[]
  readonly fail: PagedChunk['fail']
}

/** Puts the parts together: what lies in one group must agree on how much there is. */
function assemble(node: NestedNode, parts: Parts): Column {
  const { columns, groups, fail } = parts
  if (node.kind === 'leaf') {
    const column = columns[node.index]
    assert(column !== undefined, 'a leaf without a chunk')
    return column
  }
  const group = groups[node.index]
  assert(group !== undefined, 'a group without a leaf')
  const { childRows, ...column } = group
  const children = node.children.map((child) => assemble(child, parts))
  const odd = children.find(({ rowCount }) => rowCount !== childRows)
  if (odd !== undefined) {
    fail(`its ${column.type.kind} has ${childRows} places, a column of it ${odd.rowCount}`)
  }
  return { ...column, children }
}
