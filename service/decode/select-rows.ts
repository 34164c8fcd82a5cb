import assert from 'node:assert'

import type { Column } from '../arrow/column.ts'
import { sliceColumn } from '../arrow/slice-column.ts'
import { takeRows } from '../arrow/take-rows.ts'
import type { DecodedRowGroup, Decoder, RowGroupPlan } from './decoder.ts'
import { countRows, type RowRange } from './row-selection.ts'

/**
 * Leaves only the rows that a plan selects, whatever a column was decoded from: pages of its own, or the whole chunk.
 * So columns whose pages begin at different rows line up.
 */
export function withRowSelection(decoder: Decoder): Decoder {
  return {
    decode: (plan, buffer) => {
      const decoded = decoder.decode(plan, buffer)
      return plan.selection === undefined ? decoded : selectAll(plan, plan.selection, decoded)
    },
    ...(decoder.open && { open: decoder.open }),
  }
}

function selectAll(
  { rowCount }: RowGroupPlan,
  { rows, chunks }: NonNullable<RowGroupPlan['selection']>,
  decoded: DecodedRowGroup,
): DecodedRowGroup {
  try {
    const whole = [{ start: 0, end: rowCount }]
    const columns = decoded.columns.map((column, index) => {
      const pages = chunks[index]?.pages
      return selectRows(column, pages === undefined ? whole : pages.map((page) => page.rows), rows)
    })
    return { rowCount: countRows(rows), columns, release: () => decoded.release() }
  } catch (error) {
    decoded.release()
    throw error
  }
}

/**
 * Of a column that holds the rows `held`, those of `wanted`; both ascend. One run of rows is a view, more are copied.
 */
export function selectRows(
  column: Column,
  held: readonly RowRange[],
  wanted: readonly RowRange[],
): Column {
  const runs = runsOf(held, wanted)
  const [first = { at: 0, count: 0 }] = runs
  if (runs.length <= 1) return sliceColumn(column, first.at, first.count)
  const indexes = new Int32Array(runs.reduce((sum, { count }) => sum + count, 0))
  let to = 0
  for (const { at, count } of runs) {
    for (let index = at; index < at + count; index++) indexes[to++] = index
  }
  return takeRows(column, indexes)
}

/** `count` rows from place `at` of the column on. */
interface Run {
  at: number
  count: number
}

function runsOf(held: readonly RowRange[], wanted: readonly RowRange[]): Run[] {
  const runs: Run[] = []
  let piece = 0
  let at = 0
  for (const { start, end } of wanted) {
    for (let row = start; row < end;) {
      const here = held[piece]
      assert(here !== undefined && here.start <= row, 'a row is wanted that is not there')
      if (here.end <= row) {
        at += here.end - here.start
        piece += 1
        continue
      }
      const place = at + row - here.start
      const count = Math.min(end, here.end) - row
      const last = runs.at(-1)
      if (last !== undefined && last.at + last.count === place) last.count += count
      else runs.push({ at: place, count })
      row += count
    }
  }
  return runs
}
