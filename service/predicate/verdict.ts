import type { ArrowType } from '../arrow/arrow-type.ts'
import type { Domain } from './domain.ts'
import { endsBelow, firstRangeFrom, isUnbounded, startsAbove } from './domain.ts'
import type { Predicate, SeenColumn } from './predicate.ts'
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

/** Facts about a column's values as they are seen; undefined when nothing is known. */
export type FactsOf = (seen: SeenColumn) => ColumnFacts | undefined

/**
 * How many rows can match, as far as the facts tell. Wrong only towards `some`: `none` means that no row
 * matches, `all` that every row does.
 */
export function verdictOf(predicate: Predicate, factsOf: FactsOf): Verdict {
  const outcomes = outcomesOf(predicate, factsOf)
  if ((outcomes & TRUE) === 0) return 'none'
  return outcomes === TRUE ? 'all' : 'some'
}

/** A set of SQL's truth values, as bits. */
type Outcomes = number
const FALSE: Outcomes = 1
const UNKNOWN: Outcomes = 2
const TRUE: Outcomes = 4
const ANY: Outcomes = FALSE | UNKNOWN | TRUE

/** What the predicate can be of the rows, and maybe more. */
function outcomesOf(predicate: Predicate, factsOf: FactsOf): Outcomes {
  switch (predicate.kind) {
    case 'constant':
      if (predicate.value === null) return UNKNOWN
      return predicate.value === true ? TRUE : FALSE
    case 'and':
      return predicate.terms.map((term) => outcomesOf(term, factsOf)).reduce(bothOf, TRUE)
    case 'or':
      return negated(
        predicate.terms.map((term) => negated(outcomesOf(term, factsOf))).reduce(bothOf, TRUE),
      )
    case 'not':
      return negated(outcomesOf(predicate.term, factsOf))
    case 'is_null': {
      const outcomes = outcomesOf(predicate.term, factsOf)
      return (outcomes & UNKNOWN ? TRUE : 0) | (outcomes & ~UNKNOWN ? FALSE : 0)
    }
    case 'in_domain': {
      const facts = factsOf(predicate)
      return facts ? domainOutcomes(predicate.domain, predicate.type, facts) : ANY
    }
    case 'compare':
      return predicate.operator === 'distinct' ? TRUE | FALSE : ANY
    default:
      return ANY
  }
}

/** Kleene's and of any one of each: the lesser of both. */
function bothOf(left: Outcomes, right: Outcomes): Outcomes {
  const least = (bit: Outcomes) => bit - 1
  const atLeast = (outcomes: Outcomes, bit: Outcomes) => (outcomes & ~least(bit)) !== 0
  return [FALSE, UNKNOWN, TRUE].reduce((sum, bit) => {
    const isLesser =
      ((left & bit) !== 0 && atLeast(right, bit)) || ((right & bit) !== 0 && atLeast(left, bit))
    return isLesser ? sum | bit : sum
  }, 0)
}

function negated(outcomes: Outcomes): Outcomes {
  return (outcomes & UNKNOWN) | (outcomes & TRUE ? FALSE : 0) | (outcomes & FALSE ? TRUE : 0)
}

function domainOutcomes(domain: Domain, type: ArrowType, facts: ColumnFacts): Outcomes {
  const nullCount = soundNullCount(facts)
  const mayBeNull = nullCount !== 0
  const mayBePresent = nullCount === undefined || nullCount < facts.rowCount
  const ofPresent = mayBePresent ? presentOutcomes(domain, type, facts) : 0
  return mayBeNull ? ofPresent | ofNull(domain) : ofPresent
}

function ofNull({ nullAllowed }: Domain): Outcomes {
  if (nullAllowed === null) return UNKNOWN
  return nullAllowed ? TRUE : FALSE
}

/** Statistics never count NaN, so every column of floats may hold it. */
function presentOutcomes(domain: Domain, type: ArrowType, facts: ColumnFacts): Outcomes {
  const { min, max } = soundBounds(facts)
  const range = firstRangeFrom(domain.ranges, min)
  const overlaps = range !== undefined && !startsAbove(range, max)
  const contains =
    range !== undefined &&
    (min === undefined ? !range.low : !startsAbove(range, min)) &&
    (max === undefined ? !range.high : !endsBelow(range, max))
  const mayBeNaN = type.kind === 'float'
  const takesNaN = mayBeNaN && isUnbounded(domain)
  const canMatch = overlaps || takesNaN
  const canFail = !contains || (mayBeNaN && !takesNaN)
  return (canMatch ? TRUE : 0) | (canFail ? FALSE : 0)
}

function soundNullCount({ nullCount, rowCount }: ColumnFacts): number | undefined {
  const sound = nullCount !== undefined && nullCount >= 0 && nullCount <= rowCount
  return sound ? nullCount : undefined
}

function soundBounds(facts: ColumnFacts): Pick<ColumnFacts, 'min' | 'max'> {
  const { min, max } = facts
  if (Number.isNaN(min) || Number.isNaN(max)) return {}
  if (min !== undefined && max !== undefined && compareValues(min, max) > 0) return {}
  return facts
}
