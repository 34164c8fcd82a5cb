import assert from 'node:assert'
import type { IntType } from '../arrow/arrow-type.ts'
import { castColumn } from '../arrow/cast.ts'
import { readInts } from '../arrow/cast-number.ts'
import type { Column } from '../arrow/column.ts'
import { isPresent, valuesOf } from '../arrow/rebuild-column.ts'
import { int32View } from '../arrow/typed-views.ts'
import { GatewayError } from '../errors.ts'
import type { DomainKernel } from './domain-kernel.ts'
import { domainKernel } from './domain-kernel.ts'
import { evaluate } from './evaluate.ts'
import { likeMatcher } from './like-pattern.ts'
import type { Expression, InDomain, Predicate, SeenColumn } from './predicate.ts'
import { conjunctsOf, partsOf, presenceOnly, referencesOf, sameReference } from './predicate.ts'
import { byteSpans, valueReader } from './read-values.ts'
import type { Truth } from './truth.ts'
import { FALSE, TRUE, truthOf, UNKNOWN } from './truth.ts'
import type { Value } from './value.ts'

/** Some rows, as a filter sees them. */
export interface FilterBatch {
  readonly rowCount: number
  /**
   * The column, or the field inside it, as it was decoded: of the type, a dictionary of it, or one that can be cast to it. Of a column in
   * which only presence counts, anything.
   */
  readonly columnOf: (seen: SeenColumn) => Column
}

/** Answers one {@link Truth} for each row. */
export type RowFilter = (batch: FilterBatch) => Uint8Array

/**
 * A predicate made ready for columns. Of dictionary-coded columns the entries are judged, once for each dictionary,
 * not the rows. Keeps what it learnt of the last dictionaries: for one scan at a time.
 */
export function compileFilter(predicate: Predicate): RowFilter {
  const node = joined(conjunctsOf(predicate), FALSE, UNKNOWN)
  return (batch) => node(batch, undefined)
}

/**
 * One truth for each row, in an array of its own. Rows whose mark is zero are not asked for, their truths mean
 * nothing: a term behind others need not look at rows that those have decided.
 */
type Node = (batch: FilterBatch, wanted: Uint8Array | undefined) => Uint8Array

function compile(expression: Expression): Node {
  switch (expression.kind) {
    case 'constant':
      return ({ rowCount }) => new Uint8Array(rowCount).fill(truthOf(expression.value))
    case 'and':
      return joined(expression.terms, FALSE)
    case 'or':
      return joined(expression.terms, TRUE)
    case 'not': {
      const term = compile(expression.term)
      return (batch, wanted) => term(batch, wanted).map((truth) => TRUE - truth)
    }
    case 'in_domain':
      return columnTest(expression, truthOf(expression.domain.nullAllowed), kernelOf(expression))
    case 'like':
      return expression.term.kind === 'column'
        ? columnTest(expression.term, UNKNOWN, likeKernel(expression))
        : rowByRow(expression)
    default:
      return rowByRow(expression)
  }
}

/**
 * Terms of one column come first: they are cheap, and spare the others rows. At the top unknown decides as well as
 * false, since only what is true counts there.
 */
function joined(terms: readonly Expression[], deciding: Truth, alsoDeciding = deciding): Node {
  const nodes = terms
    .toSorted((left, right) => Number(isGeneral(left)) - Number(isGeneral(right)))
    .map(compile)
  return (batch, wanted) => {
    const result = new Uint8Array(batch.rowCount).fill(TRUE - deciding)
    let left = wanted
    for (const node of nodes) {
      const truths = node(batch, left)
      let isAnyLeft = false
      const marks = new Uint8Array(batch.rowCount)
      for (let row = 0; row < batch.rowCount; row++) {
        const [before, truth] = [result[row] ?? 0, truths[row] ?? 0]
        const after = deciding === FALSE ? Math.min(before, truth) : Math.max(before, truth)
        result[row] = after
        if (after === deciding || after === alsoDeciding || wanted?.[row] === 0) continue
        marks[row] = 1
        isAnyLeft = true
      }
      if (!isAnyLeft) break
      left = marks
    }
    return result
  }
}

/** Looks at several columns, or calculates: judged row by row. */
function isGeneral(expression: Expression): boolean {
  switch (expression.kind) {
    case 'constant':
    case 'in_domain':
      return false
    case 'and':
    case 'or':
    case 'not':
      return partsOf(expression).some(isGeneral)
    case 'like':
      return expression.term.kind !== 'column'
    default:
      return true
  }
}

function kernelOf({ domain, type }: InDomain): DomainKernel {
  if (type.kind !== presenceOnly.kind) return domainKernel(domain, type)
  const ofPresent = domain.ranges.length > 0 ? TRUE : FALSE
  return (_, truths) => void truths.fill(ofPresent)
}

function likeKernel({ pattern, escape }: Extract<Expression, { kind: 'like' }>): DomainKernel {
  const matches = likeMatcher(pattern, escape)
  return (column, truths) => {
    const spanOf = byteSpans(column)
    const bytes = column.values ?? new Uint8Array(0)
    for (let row = 0; row < column.rowCount; row++) {
      truths[row] = matches(bytes.subarray(spanOf(row), spanOf(row + 1))) ? TRUE : FALSE
    }
  }
}

function columnTest(asked: SeenColumn, ofNull: Truth, kernel: DomainKernel): Node {
  const { type } = asked
  const judge = (column: Column): Uint8Array => {
    const seen = type.kind === presenceOnly.kind ? column : castColumn(column, type)
    const truths = new Uint8Array(column.rowCount)
    if (seen.nullCount < seen.rowCount) kernel(seen, truths)
    return withNulls(seen, truths, ofNull)
  }
  let known: { readonly entries: Column; readonly truths: Uint8Array } | undefined
  return ({ columnOf }) => {
    const column = columnOf(asked)
    if (column.type.kind !== 'dictionary') return judge(column)
    const [entries] = column.children
    assert(entries !== undefined, 'a dictionary-coded column without a dictionary')
    if (known?.entries !== entries) known = { entries, truths: judge(entries) }
    return byIndex(column, column.type.index, known.truths, ofNull)
  }
}

function withNulls(column: Column, truths: Uint8Array, ofNull: Truth): Uint8Array {
  if (column.nullCount === 0) return truths
  if (column.nullCount === column.rowCount) return truths.fill(ofNull)
  for (let row = 0; row < column.rowCount; row++) {
    if (!isPresent(column, row)) truths[row] = ofNull
  }
  return truths
}

/** The truths of rows from those of the entries that they point at. */
function byIndex(column: Column, index: IntType, ofEntries: Uint8Array, ofNull: Truth): Uint8Array {
  const isWide = index.bitWidth === 64
  const indices = isWide ? int32View(valuesOf(column, 8)) : readInts(column, index)
  const truths = new Uint8Array(column.rowCount)
  for (let row = 0; row < column.rowCount; row++) {
    if (!isPresent(column, row)) {
      truths[row] = ofNull
      continue
    }
    const at = indices[isWide ? row * 2 : row] ?? 0
    const truth = ofEntries[isWide && indices[row * 2 + 1] !== 0 ? -1 : at]
    if (truth === undefined) {
      throw new GatewayError('unreadable_file', `dictionary index ${at} is outside its dictionary`)
    }
    truths[row] = truth
  }
  return truths
}

function rowByRow(expression: Expression): Node {
  const references = referencesOf(expression)
  return ({ rowCount, columnOf }, wanted) => {
    const readers = references.map((reference) => {
      const { type } = reference
      const found = columnOf(reference)
      const isPresence = type.kind === presenceOnly.kind
      return isPresence ? presenceReader(found) : valueReader(castColumn(found, type))
    })
    let at = 0
    const valueOf = (seen: SeenColumn): Value | null => {
      const index = references.findIndex((one) => sameReference(one, seen))
      return readers[index]?.(at) ?? null
    }
    const truths = new Uint8Array(rowCount)
    for (; at < rowCount; at++) {
      if (wanted?.[at] !== 0) truths[at] = truthOf(evaluate(expression, valueOf))
    }
    return truths
  }
}

/** Of a column in which only presence counts: true where there is something. */
function presenceReader(column: Column): (row: number) => Value | null {
  const truths = columnTest(
    { column: '', type: presenceOnly },
    FALSE,
    (_, present) => void present.fill(TRUE),
  )({ rowCount: column.rowCount, columnOf: () => column }, undefined)
  return (row) => (truths[row] === TRUE ? true : null)
}
