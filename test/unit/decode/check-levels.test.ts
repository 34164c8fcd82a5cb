import t from 'tap'
import { checkLevels } from '../../../service/decode/check-levels.ts'
import { countHighest } from '../../../service/decode/level-runs.ts'
import type { PageHeader } from '../../../service/decode/page-header.ts'
import { randomNumbers } from '../../support/columns-random.ts'
import { hybrid } from '../../support/parquet-encodings.ts'

const page: PageHeader = {
  type: 'data',
  compressedBytes: 10,
  uncompressedBytes: 10,
  valueCount: 8,
  nullCount: 0,
  encoding: 0,
  definitionEncoding: 3,
  repetitionEncoding: 3,
  levelBytes: 0,
  repetitionBytes: 0,
  isCompressed: true,
}
const fail = (what: string): never => {
  throw new RangeError(what)
}
const context = { source: 'b/k', fail }
const flat = { maxDefinitionLevel: 1, maxRepetitionLevel: 0 }
const listed = { maxDefinitionLevel: 3, maxRepetitionLevel: 1 }
const bytes = new Uint8Array(10)

t.test('levels of v1 pages are RLE, where there are levels', async (t) => {
  const bitPacked = { ...page, definitionEncoding: 4 }
  const refusal = { code: 'unsupported', message: /b\/k has levels in BIT_PACKED/ }
  t.throws(() => checkLevels(bitPacked, bytes, flat, context), refusal)
  t.throws(() => checkLevels({ ...page, repetitionEncoding: 4 }, bytes, listed, context), refusal)
  const odd = { code: 'unsupported', message: /levels in encoding 0/ }
  t.throws(() => checkLevels({ ...page, definitionEncoding: 0 }, bytes, flat, context), odd)
  const required = { maxDefinitionLevel: 0, maxRepetitionLevel: 0 }
  checkLevels({ ...bitPacked, repetitionEncoding: 4 }, bytes, required, context)
  checkLevels({ ...page, repetitionEncoding: 4 }, bytes, flat, context)
})

t.test('nulls of v2 pages are counted', async (t) => {
  // 6 of 8 levels are 1, then 2 bytes of values.
  const levels = Uint8Array.of(0x03, 0b1111_1100, 9, 9)
  const v2 = { ...page, type: 'data_v2', levelBytes: 2 } as const
  checkLevels({ ...v2, nullCount: 2 }, levels, flat, context)
  t.throws(() => checkLevels({ ...v2, nullCount: 1 }, levels, flat, context), /claims 1 nulls/)
  for (const levelBytes of [0, 1, 3]) {
    const other = { ...v2, nullCount: 2, levelBytes }
    t.throws(() => checkLevels(other, levels, flat, context), /malformed/, `${levelBytes} bytes`)
  }
  // The repetition levels, all 0, come first; what a null is there is not asked.
  const both = Uint8Array.of(0x10, 0, 0x10, 3)
  const nested = { ...v2, levelBytes: 4, repetitionBytes: 2, nullCount: 5 }
  checkLevels(nested, both, listed, context)
  t.throws(() => checkLevels({ ...nested, repetitionBytes: 1 }, both, listed, context), /malformed/)
})

t.test('the highest levels are counted whatever the runs', async (t) => {
  for (let seed = 0; seed < 500; seed++) {
    const random = randomNumbers(seed)
    const levelMax = 1 + Math.floor(random() * 7)
    const count = Math.floor(random() * 200)
    const spread = random() < 0.5 ? 1 : levelMax + 1
    const levels = Array.from({ length: count }, () => levelMax - Math.floor(random() * spread))
    const width = 32 - Math.clz32(levelMax)
    const style = (['runs', 'packed', 'mixed'] as const)[seed % 3] ?? 'mixed'
    const coded = hybrid(levels, width, style, random)
    const highest = levels.filter((level) => level === levelMax).length
    t.equal(countHighest({ bytes: coded, levelMax, count }), highest, `seed ${seed}`)
    const longer = Uint8Array.of(...coded, 0)
    t.equal(countHighest({ bytes: longer, levelMax, count }), undefined, `seed ${seed}, longer`)
  }
  t.equal(
    countHighest({ bytes: Uint8Array.of(4, 3), levelMax: 2, count: 2 }),
    undefined,
    'too high',
  )
  t.equal(countHighest({ bytes: Uint8Array.of(255), levelMax: 1, count: 1 }), undefined, 'cut')
  t.equal(countHighest({ bytes: new Uint8Array(4), levelMax: 1, count: 1 }), undefined, 'no run')
})
