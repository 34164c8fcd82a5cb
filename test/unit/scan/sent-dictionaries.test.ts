import { isDeepStrictEqual } from 'node:util'
import t from 'tap'
import type { ArrowType } from '../../../service/arrow/arrow-type.ts'
import { ownRows } from '../../../service/arrow/own-rows.ts'
import type { BatchPiece } from '../../../service/arrow/write-batch.ts'
import { SentDictionaries } from '../../../service/scan/sent-dictionaries.ts'
import { randomNumbers } from '../../support/columns-random.ts'
import { columnOf, int, readColumn, utf8, type Value } from '../../support/columns.ts'

type Cells = readonly Value[]
const binary: ArrowType = { kind: 'binary' }

/** Reads frames as a client does: a dictionary replaces the one before it. */
class Reader {
  readonly #sent: SentDictionaries
  readonly #types: readonly ArrowType[]
  readonly #coded: readonly number[]
  readonly dictionaries = new Map<number, Cells>()
  received = 0

  constructor(types: readonly ArrowType[], coded: readonly number[], bytesMax: number) {
    this.#sent = new SentDictionaries(types, coded, bytesMax)
    this.#types = types
    this.#coded = coded
  }

  read(pieces: readonly BatchPiece[]): Cells[] {
    const { rows, dictionaries } = this.#sent.code(pieces)
    for (const { id, values } of dictionaries) {
      const type = this.#types[this.#coded[id] ?? -1] ?? utf8
      const body = new Uint8Array(values.bodyBytes)
      values.writeBody(body)
      const [bytes, offsets] = [values.buffers[2], values.buffers[1]].map((span) =>
        body.slice(span?.offset, (span?.offset ?? 0) + (span?.lengthBytes ?? 0)),
      )
      const column = { ...columnOf(type, []), rowCount: values.rowCount }
      this.dictionaries.set(
        id,
        readColumn({ ...column, values: bytes ?? null, offsets: offsets ?? null }),
      )
      this.received += 1
    }
    return ownRows(this.#sent.types, rows).map((column, at) => {
      const id = this.#coded.indexOf(at)
      const cells = readColumn(column)
      if (id < 0) return cells
      return cells.map((cell) =>
        cell === null ? null : (this.dictionaries.get(id)?.[Number(cell)] ?? 'outside'),
      )
    })
  }
}

const piece = (
  types: readonly ArrowType[],
  cells: readonly Cells[],
  [start, count]: readonly [number, number],
) => ({
  columns: types.map((type, at) =>
    columnOf(type, cells[at] ?? [], ['x'].slice(0, type === utf8 ? 1 : 0)),
  ),
  start,
  count,
})

t.test('rows come back from indexes and the dictionaries sent so far', async (t) => {
  const types = [utf8, int(32), binary]
  const random = randomNumbers(7)
  for (const bytesMax of [10, 60, 1_000_000]) {
    const reader = new Reader(types, [0, 2], bytesMax)
    for (let frame = 0; frame < 200; frame++) {
      const pieces = Array.from({ length: 1 + Math.floor(random() * 3) }, () => {
        const rowCount = Math.floor(random() * 9)
        const cell = (of: (n: number) => Value) =>
          Array.from({ length: rowCount }, () =>
            random() < 0.2 ? null : of(Math.floor(random() * (frame / 10 + 2))),
          )
        const cells = [
          cell((n) => (n === 0 ? '' : 'ž'.repeat(n % 5) + String(n))),
          cell((n) => n),
          cell((n) => Uint8Array.of(n, 0, 255)),
        ]
        const start = Math.floor(random() * rowCount)
        const count = Math.floor(random() * (rowCount - start + 1))
        return {
          piece: piece(types, cells, [start, count]),
          cells: cells.map((all) => all.slice(start, start + count)),
        }
      })
      const expected = types.map((type, at) =>
        readColumn(
          columnOf(
            type,
            pieces.flatMap(({ cells }) => cells[at] ?? []),
          ),
        ),
      )
      const found = reader.read(pieces.map((one) => one.piece))
      if (isDeepStrictEqual(found, expected)) continue
      t.strictSame(found, expected, `frame ${frame} of ${bytesMax}`)
      return
    }
    t.ok(bytesMax < 1000 ? reader.received > 100 : reader.received < 80, `${reader.received} sent`)
  }
})

t.test(
  'a dictionary goes before the first rows, is kept while nothing is new, and begins again when it is long',
  async (t) => {
    const reader = new Reader([utf8], [0], 40)
    const read = (cells: Cells) => reader.read([piece([utf8], [cells], [0, cells.length])])
    t.strictSame(read([null, null]), [[null, null]])
    t.strictSame([...reader.dictionaries], [[0, []]], 'also when it is empty')
    t.strictSame(read(['a', 'b', 'a']), [['a', 'b', 'a']])
    t.strictSame(read(['b', null]), [['b', null]])
    t.equal(reader.received, 2)
    t.strictSame(read(['c']), [['c']])
    t.strictSame(reader.dictionaries.get(0), ['a', 'b', 'c'])
    const long = 'x'.repeat(30)
    t.strictSame(read([long, 'a']), [[long, 'a']])
    t.strictSame(reader.dictionaries.get(0), [long, 'a'])
    const longer = 'y'.repeat(100)
    t.strictSame(read([longer]), [[longer]])
    t.strictSame(reader.dictionaries.get(0), [longer])
  },
)
