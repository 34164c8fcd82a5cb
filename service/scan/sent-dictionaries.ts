import assert from 'node:assert'
import type { ArrowType } from '../arrow/arrow-type.ts'
import { ByteDictionary } from '../arrow/byte-dictionary.ts'
import type { Column } from '../arrow/column.ts'
import { compactValidity, isPresent } from '../arrow/rebuild-column.ts'
import { sliceColumn } from '../arrow/slice-column.ts'
import { bytesOf, int32View } from '../arrow/typed-views.ts'
import { type BatchPiece, type BatchPlan, planBatch } from '../arrow/write-batch.ts'

const indexType: ArrowType = { kind: 'int', bitWidth: 32, signed: true }

/** Rows with indexes in the place of values, and the dictionaries that their reader does not have yet. */
export interface CodedRows {
  readonly rows: readonly BatchPiece[]
  readonly dictionaries: readonly CodedDictionary[]
}

export interface CodedDictionary {
  /** Its place among the dictionaries of the answer. */
  readonly id: number
  readonly values: BatchPlan
}

interface KnownValues {
  readonly values: ByteDictionary
  /** How many its reader has; -1 before it has the dictionary. */
  sentCount: number
}

/**
 * The dictionaries of one answer. They hold what was sent of their columns so far, whatever files it came from, and are
 * sent anew when values were added. One that gets too long begins again with the values of the frame at hand.
 */
export class SentDictionaries {
  readonly #columns: readonly number[]
  readonly #types: readonly ArrowType[]
  readonly #bytesMax: number
  readonly #known: readonly KnownValues[]

  /**
   * @param types of the rows, as they are added
   * @param columns those of utf8 or binary that are coded, ascending
   * @param bytesMax of a dictionary, unless the values of one frame take more
   */
  constructor(types: readonly ArrowType[], columns: readonly number[], bytesMax: number) {
    this.#types = types
    this.#columns = columns
    this.#bytesMax = bytesMax
    this.#known = columns.map(() => ({ values: new ByteDictionary(), sentCount: -1 }))
  }

  /** The types of coded rows. */
  get types(): readonly ArrowType[] {
    return this.#types.map((type, index) => (this.#columns.includes(index) ? indexType : type))
  }

  /** The rows of one frame. The plans are to be written before the next is coded. */
  code(rows: readonly BatchPiece[]): CodedRows {
    const pieces = rows.map(({ columns, start, count }) => ({
      columns: columns.map((column) => sliceColumn(column, start, count)),
      start: 0,
      count,
    }))
    const dictionaries: CodedDictionary[] = []
    for (const [id, at] of this.#columns.entries()) {
      const known = this.#known[id] ?? assert.fail('a dictionary too few')
      const coded = this.#coded(
        known,
        pieces.map(({ columns }) => columnAt(columns, at)),
      )
      coded.forEach((column, index) => pieces[index]?.columns.splice(at, 1, column))
      if (known.values.count === known.sentCount) continue
      known.sentCount = known.values.count
      dictionaries.push({ id, values: this.#planOf(known.values, at) })
    }
    return { rows: pieces, dictionaries }
  }

  #coded(known: KnownValues, columns: readonly Column[]): readonly Column[] {
    const { values } = known
    const coded = columns.map((column) => codedColumn(column, values))
    const isTooLong = values.count > known.sentCount && values.bytes > this.#bytesMax
    if (!isTooLong || known.sentCount <= 0) return coded
    values.clear()
    known.sentCount = -1
    return columns.map((column) => codedColumn(column, values))
  }

  #planOf(values: ByteDictionary, at: number): BatchPlan {
    const type = this.#types[at] ?? assert.fail('a column too few')
    return planBatch([type], [{ columns: [values.column(type)], start: 0, count: values.count }])
  }
}

function columnAt(columns: readonly Column[], at: number): Column {
  return columns[at] ?? assert.fail('a piece with too few columns')
}

function codedColumn(column: Column, values: ByteDictionary): Column {
  const { rowCount, offset, nullCount } = column
  const bytes = column.values ?? new Uint8Array(0)
  const offsets = int32View(column.offsets ?? new Uint8Array(0))
  const indexes = new Int32Array(rowCount)
  for (let row = 0; row < rowCount; row++) {
    if (!isPresent(column, row)) continue
    const at = offset + row
    indexes[row] = values.numberOf(bytes, offsets[at] ?? 0, offsets[at + 1] ?? 0)
  }
  return {
    type: indexType,
    rowCount,
    offset: 0,
    nullCount,
    validity: compactValidity(column),
    values: bytesOf(indexes),
    offsets: null,
    children: [],
  }
}
