import assert from 'node:assert'

import type { ArrowType } from '../arrow/arrow-type.ts'
import type { Column } from '../arrow/column.ts'
import {
  type ChunkWorkplace,
  loadDictionary,
  openSink,
  toColumn,
  usedView,
  wordAt,
} from './kernel-chunk.ts'
import type { Place } from './kernel-inflate.ts'
import { appendSlotBits, lastDefinition, openNestedPage, type PageLevels } from './kernel-levels.ts'
import type { PagedChunk } from './kernel-pages.ts'
import { checked, type Dictionary, type OpenPage, type ValueSink } from './kernel-values.ts'
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
  const [first] = chunks
  assert(first !== undefined, 'a column without leaves')
  return joinLeaves(root, chunks.map(decodeLeaf), first.paged.fail)
}

/** The column that leaves make together. */
export function joinLeaves(
  root: NestedNode,
  leaves: readonly LeafParts[],
  fail: PagedChunk['fail'],
): Column {
  const columns = leaves.map(({ column }) => column)
  const groups = leaves.flatMap((leaf) => leaf.groups)
  return assemble(root, { columns, groups, fail })
}

/** What comes of a chunk: its column, and the groups that it is the first in. */
export interface LeafParts {
  readonly column: Column
  readonly groups: readonly GroupColumn[]
}

function decodeLeaf({ paged, work }: NestedChunk): LeafParts {
  const { chunk, pages, rowCount, fail } = paged
  const sink = openLeaf(chunk, { rows: rowCount, places: chunk.valueCount }, work)
  let dictionary: Dictionary | undefined
  let before = 0
  for (const page of pages) {
    if (page.type === 'dictionary') {
      dictionary = loadDictionary(page, chunk, work)
      continue
    }
    const { values, levels } = openNestedPage(page, chunk, before, work)
    const { encoding } = page
    appendPart(sink, { encoding, values, bit: 0, isBegun: false, levels, dictionary })
    before = lastDefinition(levels, chunk, before, work)
  }
  if (sink.rows !== rowCount) fail(`it holds ${sink.rows} rows, not ${rowCount}`)
  return finishLeaf(sink)
}

/** A chunk's column, and its groups', as they grow. */
export interface LeafSink {
  readonly chunk: LeafPlan
  readonly work: ChunkWorkplace
  readonly groups: readonly GroupSink[]
  readonly validity: Place
  readonly values: ValueSink
  rows: number
  /** Rows of the column itself: places below the deepest list, null or not. */
  places: number
  present: number
}

/** A list or a struct as it grows. */
interface GroupSink {
  readonly plan: GroupPlan
  readonly validity: Place
  readonly offsets: Place | null
  places: number
  present: number
}

/** Takes room for so many rows, and so many places below lists. */
export function openLeaf(
  chunk: LeafPlan,
  { rows, places }: { readonly rows: number; readonly places: number },
  work: ChunkWorkplace,
): LeafSink {
  const groups = chunk.groups.map((plan) =>
    openGroup(plan, plan.repetition === 0 ? rows : places, work),
  )
  const validity = takeBits(canLack(chunk) ? places : 0, work)
  const values = openSink(chunk, places, work)
  return { chunk, work, groups, validity, values, rows: 0, places: 0, present: 0 }
}

function openGroup(plan: GroupPlan, placesMax: number, work: ChunkWorkplace): GroupSink {
  const validity = takeBits(plan.isNullable ? placesMax : 0, work)
  if (!plan.isList) return { plan, validity, offsets: null, places: 0, present: 0 }
  const start = work.output.take((placesMax + 1) * offsetBytes(plan.type))
  const offsets = { start, end: work.output.top }
  work.memory().fill(0, start, start + 4)
  return { plan, validity, offsets, places: 0, present: 0 }
}

function takeBits(count: number, { output }: ChunkWorkplace): Place {
  const start = output.take(Math.ceil(count / 8))
  return { start, end: output.top }
}

/** Of a list's offsets. */
export function offsetBytes(type: ArrowType): 4 | 8 {
  return type.kind === 'large_list' ? 8 : 4
}

/** Whether there may be places without a value: itself or a struct around it may be null. */
function canLack({ levels }: LeafPlan): boolean {
  return levels.definitionMax > slotDefinition(levels, levels.elements.length)
}

/** Some values of a page. */
export interface NestedPart extends Pick<OpenPage, 'encoding' | 'values' | 'bit' | 'isBegun'> {
  readonly levels: PageLevels
  readonly dictionary: Dictionary | undefined
}

/** Appends what a page, or a part of one, has. */
export function appendPart(sink: LeafSink, part: NestedPart): void {
  const { chunk, work, validity, places: first } = sink
  const { levels } = part
  for (const group of sink.groups) appendGroup(group, levels, { chunk, work })
  const { elements, definitionMax } = chunk.levels
  const rows = levels.slots[elements.length] ?? 0
  const bits = { repetition: elements.length, present: definitionMax }
  const present = canLack(chunk)
    ? appendSlotBits(levels, bits, { bitmap: validity, first }, { chunk, work })
    : rows
  sink.values.append({
    encoding: part.encoding,
    values: part.values,
    bit: part.bit,
    isBegun: part.isBegun,
    first,
    rows,
    present,
    validity,
    dictionary: part.dictionary,
  })
  sink.rows += levels.slots[0] ?? 0
  sink.places += rows
  sink.present += present
}

function appendGroup(
  group: GroupSink,
  levels: PageLevels,
  { chunk, work }: Pick<LeafSink, 'chunk' | 'work'>,
): void {
  const { plan, validity, offsets, places: first } = group
  const { repetition, definition } = plan
  const places = levels.slots[repetition] ?? 0
  if (offsets !== null) {
    const result = work.kernels.listOffsets(
      levels.repetitions,
      levels.definitions,
      levels.count,
      repetition,
      slotDefinition(chunk.levels, repetition),
      slotDefinition(chunk.levels, repetition + 1),
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

export function finishLeaf(sink: LeafSink): LeafParts {
  const { chunk, work, validity, places, present, values } = sink
  const nullCount = chunk.isOptional ? places - present : 0
  const counts = { rowCount: places, nullCount }
  const column = toColumn(chunk, counts, { validity, sink: values, work })
  return { column, groups: sink.groups.map((group) => finishGroup(group, work)) }
}

/** A group without what is in it. */
export interface GroupColumn extends Omit<Column, 'children'> {
  /** Rows that its children must have. */
  readonly childRows: number
}

function finishGroup(
  { plan, validity, offsets, places, present }: GroupSink,
  work: ChunkWorkplace,
): GroupColumn {
  const memory = work.memory()
  const nullCount = places - present
  const bits = Math.min(validity.end - validity.start, Math.ceil(places / 8))
  const bitmap = usedView(validity, bits, memory)
  const group = {
    type: plan.type,
    rowCount: places,
    offset: 0,
    nullCount,
    validity: nullCount === 0 ? null : bitmap,
    values: null,
  }
  if (offsets === null) return { ...group, offsets: null, childRows: places }
  const childRows = wordAt(memory, offsets.start + places * 4)
  const width = offsetBytes(plan.type)
  if (width === 8) {
    checked(work.kernels.widenOffsets(offsets.start, places + 1, offsets.end), work)
  }
  return { ...group, offsets: usedView(offsets, (places + 1) * width, memory), childRows }
}

/** The parts of all leaves, in their order. */
export interface NestedParts {
  readonly columns: readonly Column[]
  readonly groups: readonly GroupColumn[]
  readonly fail: PagedChunk['fail']
}

/** Puts the parts together: what lies in one group must agree on how much there is. */
function assemble(node: NestedNode, parts: NestedParts): Column {
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
