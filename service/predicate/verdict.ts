import type { ArrowType } from '../arrow/arrow-type.ts'
import type { Domain } from './domain.ts'
import { endsBelow, firstRangeFrom, isUnbounded, startsAbove } from './domain.ts'
import type { Predicate } from './predicate.ts'
import type { Value } from './value.ts'
import { compareValues } from './value.ts'

/** How many rows of a file, row group or page can match. */
export type Verdict = 'none' | 'some' | 'all'

/**
 * What is known about a column's values in some rows, in the type the predicate sees. Bounds need not be
 * reached by a value: a truncated one is as good. What contradicts itself is ignored.
 */
export interface ColumnFacts {
  readonly rowCount: number
  /** Absent: unknown. */
  readonly nullCount?: number
  /** No value but NaN is less. */
  readonly min?: Value
  /** No value but NaN is greater. */
  readonly max?: Value
}

/** Facts about a column, its values seen as `type`; undefined when nothing is known. */
export type FactsOf = (column: string, type: ArrowType) => ColumnFacts | undefined

/**
 * How many rows can match, as far as the facts tell. Wrong only towards `some`: `none` means that no row
 * matches, `all` that every row does.
 */
export function verdictOf(predicate: Predicate, factsOf: FactsOf): Verdict {
  switch (predicate.kind) {
    case 'true':
      return 'all'
    case 'false':
      return 'none'
    case 'and':
      return joinVerdicts(predicate.terms, factsOf, 'none')
    case 'or':
      return joinVerdicts(predicate.terms, factsOf, 'all')
    case 'not':
      return opposite(verdictOf(predicate.term, factsOf))
    case 'in_domain': {
      const { column, type, domain } = predicate
      const facts = factsOf(column, type)
      return facts ? domainVerdict(domain, type, facts) : 'some'
    }
  }
}

/** One term decides alone when it is `deciding`; otherwise all must agree. */
function joinVerdicts(
  terms: readonly Predicate[],
  factsOf: FactsOf,
  deciding: 'none' | 'all',
): Verdict {
  let agreed = true
  for (const term of terms) {
    const verdict = verdictOf(term, factsOf)
    if (verdict === deciding) return deciding
    if (verdict === 'some') agreed = false
  }
  return agreed ? opposite(deciding) : 'some'
}

function opposite(verdict: Verdict): Verdict {
  if (verdict === 'some') return 'some'
  return verdict === 'all' ? 'none' : 'all'
}

function domainVerdict(domain: Domain, type: ArrowType, facts: ColumnFacts): Verdict {
  const nullCount = soundNullCount(facts)
  const mayBeNull = nullCount !== 0
  const mayBePresent = nullCount === undefined || nullCount < facts.rowCount
  const present = mayBePresent ? presentOutcomes(domain, type, facts) : noOutcome
  const canMatch = present.canMatch || (mayBeNull && domain.nullAllowed)
  const canFail = present.canFail || (mayBeNull && !domain.nullAllowed)
  if (canMatch && canFail) return 'some'
  return canMatch ? 'all' : 'none'
}

interface Outcomes {
  readonly canMatch: boolean
  readonly canFail: boolean
}

const noOutcome: Outcomes = { canMatch: false, canFail: false }

/** Statistics never count NaN, so every column of floats may hold it. */
function presentOutcomes(domain: Domain, type: ArrowType, facts: ColumnFacts): Outcomes {
  const { min, max } = soundBounds(facts)
  const range = firstRangeFrom(domain.ranges, min)
  const overlaps = range !== undefined && !startsAbove(range, max)
  const contains =
    range !== undefined &&
    (min === undefined ? !range.low : !startsAbove(range, min)) &&
    (max === undefined ? !range.high : !endsBelow(range, max))
  if (type.kind !== 'float') return { canMatch: overlaps, canFail: !contains }
  const takesNaN = isUnbounded(domain)
  return { canMatch: overlaps || takesNaN, canFail: !contains || !takesNaN }
}

function soundNullCount({ nullCount, rowCount }: ColumnFacts): number | undefined {
  const sound = nullCount !== undefined && nullCount >= 0 && nullCount <= rowCount
  return sound ? nullCount : undefined
}

function soundBounds({ min, max }: ColumnFacts): { min?: Value; max?: Value } {
  if (Number.isNaN(min) || Number.isNaN(max)) return {}
  if (min !== undefined && max !== undefined && compareValues(min, max) > 0) return {}
  return { ...(min !== undefined && { min }), ...(max !== undefined && { max }) }
}
