import { type ChunkWorkplace, type InflatedPage, inflateData, splitLevels } from './kernel-chunk.ts'
import type { Place } from './kernel-inflate.ts'
import type { Page } from './kernel-pages.ts'
import { checked } from './kernel-values.ts'
import { type LeafPlan, slotDefinition } from './nested-plan.ts'

/** Stands for "below however many lists" where there are no repetition levels to compare: above all levels. */
const ANY_REPETITION = 126

/** Levels of the values of a data page, a byte each, in the scratch room. */
export interface PageLevels {
  readonly count: number
  /** Addresses; of the others when there are none. */
  readonly repetitions: number
  readonly definitions: number
  /** For each number of lists how many places the page has below so many: rows, elements, elements of elements. */
  readonly slots: readonly number[]
}

export interface NestedPage {
  readonly values: Place
  readonly levels: PageLevels
  /** How many values there are. */
  readonly present: number
}

/**
 * Decompresses a page and reads its levels. Checked is that they fit each other: what goes on in a list follows an
 * element of it. Then places can only be missing or too many, which the counts tell.
 *
 * @param before the definition level of the last value of the page before, 0 if there is none
 */
export function openNestedPage(
  page: Page,
  chunk: LeafPlan,
  before: number,
  work: ChunkWorkplace,
): NestedPage {
  const { definitionMax, elements } = chunk.levels
  const { repetitions, definitions } = work.scratch
  const count = page.valueCount
  const inflated = inflateData(page, chunk, work)
  const parts = takeParts(page, chunk, inflated, work)
  const read = (from: Place, most: number, to: Place): void => {
    const bytes = work.kernels.readLevels(from.start, from.end, count, most, to.start, to.end)
    const isExact = checked(bytes, work) === from.end - from.start
    // As check-levels.ts has it: only v2 pages say exactly how long levels are.
    if (page.type === 'data_v2' && !isExact) work.fail('the levels of a page are malformed')
  }
  if (elements.length > 0) read(parts.repetitions, elements.length, repetitions)
  if (definitionMax > 0) read(parts.definitions, definitionMax, definitions)
  const levels = {
    count,
    repetitions: (elements.length > 0 ? repetitions : definitions).start,
    definitions: definitions.start,
  }
  elements.forEach((element, index) => {
    const { kernels } = work
    const place = [levels.repetitions, levels.definitions, count] as const
    checked(kernels.checkRepeats(...place, index + 1, element, before), work)
  })
  const present = countPresent(levels, chunk, work)
  const nulls = count - present
  // Writers disagree on what a null is where there are lists.
  if (page.type === 'data_v2' && elements.length === 0 && nulls !== page.nullCount) {
    work.fail(`a page claims ${page.nullCount} nulls of ${count} values, its levels tell ${nulls}`)
  }
  return { values: parts.values, levels: withSlots(levels, chunk, work), present }
}

/** Some of a page's values. */
export function sliceLevels(
  levels: PageLevels,
  { start, count }: { readonly start: number; readonly count: number },
  chunk: LeafPlan,
  work: ChunkWorkplace,
): PageLevels {
  const repetitions = levels.repetitions + start
  const definitions = levels.definitions + start
  return withSlots({ count, repetitions, definitions }, chunk, work)
}

/** How many of the values are there. */
export function countPresent(
  { count, repetitions, definitions }: Omit<PageLevels, 'slots'>,
  { levels: { definitionMax } }: LeafPlan,
  { kernels }: ChunkWorkplace,
): number {
  if (definitionMax === 0) return count
  return kernels.countSlots(repetitions, definitions, count, ANY_REPETITION, definitionMax)
}

interface PageParts {
  readonly repetitions: Place
  readonly definitions: Place
  readonly values: Place
}

const nowhere: Place = { start: 0, end: 0 }

function takeParts(
  page: Page,
  { levels: { definitionMax, elements } }: LeafPlan,
  { levels, body }: InflatedPage,
  work: ChunkWorkplace,
): PageParts {
  if (levels !== null) {
    const split = levels.start + page.repetitionBytes
    if (elements.length === 0 && split !== levels.start) work.fail('a page repeats what is no list')
    if (definitionMax === 0 && split !== levels.end) work.fail('a page has levels without nulls')
    return {
      repetitions: { start: levels.start, end: split },
      definitions: { start: split, end: levels.end },
      values: body,
    }
  }
  let rest = body
  const take = (isThere: boolean): Place => {
    if (!isThere) return nowhere
    const split = splitLevels(rest, work)
    rest = split.rest
    return split.levels
  }
  const repetitions = take(elements.length > 0)
  const definitions = take(definitionMax > 0)
  return { repetitions, definitions, values: rest }
}

function withSlots(
  all: Omit<PageLevels, 'slots'>,
  { levels }: LeafPlan,
  { kernels }: ChunkWorkplace,
): PageLevels {
  const { count, repetitions, definitions } = all
  if (levels.elements.length === 0) return { ...all, slots: [count] }
  const slots = Array.from({ length: levels.elements.length + 1 }, (_, repetition) => {
    const definition = slotDefinition(levels, repetition)
    return kernels.countSlots(repetitions, definitions, count, repetition, definition)
  })
  return { ...all, slots }
}

/** Bits that say for each place below `repetition` lists whether the definition level is at least `present`. */
export interface SlotBits {
  readonly repetition: number
  readonly present: number
}

/** Appends them to a bitmap that has `first`; answers how many are set. */
export function appendSlotBits(
  { count, repetitions, definitions }: PageLevels,
  { repetition, present }: SlotBits,
  { bitmap, first }: { readonly bitmap: Place; readonly first: number },
  { chunk, work }: { readonly chunk: LeafPlan; readonly work: ChunkWorkplace },
): number {
  const { levels } = chunk
  const result = work.kernels.slotBits(
    repetitions,
    definitions,
    count,
    levels.elements.length === 0 ? ANY_REPETITION : repetition,
    slotDefinition(levels, repetition),
    present,
    bitmap.start,
    first,
    bitmap.end,
  )
  return checked(result, work)
}

/** The definition level of the last value, also when that is of a page before. */
export function lastDefinition(
  { count, definitions }: PageLevels,
  { levels }: LeafPlan,
  before: number,
  work: ChunkWorkplace,
): number {
  if (count === 0 || levels.definitionMax === 0) return before
  return work.memory()[definitions + count - 1] ?? 0
}
