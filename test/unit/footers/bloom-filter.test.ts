import t from 'tap'

import { bloomHash, readBloomFilter } from '../../../service/footers/bloom-filter.ts'
import { type Fail, ThriftReader } from '../../../service/footers/thrift-reader.ts'
import { int64Bytes } from '../../support/fake-footer.ts'
import { pagedFile } from '../../support/paged-files.ts'

const fail: Fail = (what) => {
  throw new Error(what)
}

/** Of `code` (even numbers, shuffled) or `text` in the first row group, as pyarrow wrote it. */
function filterBytes(name: 'code' | 'text'): Uint8Array {
  const { bytes, footer } = pagedFile('paged')
  const leafIndex = footer.leaves.findIndex(({ path }) => path[0] === name)
  const { bloomFilterOffset, bloomFilterBytes } = footer.chunk(0, leafIndex)
  return bytes.slice(bloomFilterOffset, bloomFilterOffset + bloomFilterBytes)
}

const read = (bytes: Uint8Array) => readBloomFilter(new ThriftReader(bytes, 0, fail))

t.test('hashes are those of the specification', async (t) => {
  t.equal(bloomHash(new Uint8Array()), 0xef46db3751d8e999n)
  t.equal(bloomHash(Buffer.from('a')), 0xd24ec4f1a98c6e5bn)
  t.equal(bloomHash(Buffer.from('abc')), 0x44bc2cf5ad770999n)
})

t.test('what pyarrow put in may be there, most else is not', async (t) => {
  const texts = read(filterBytes('text'))
  const codes = read(filterBytes('code'))
  let wrong = 0
  for (let row = 0; row < 3000; row++) {
    const text = Buffer.from(`row ${String(row).padStart(6, '0')}`)
    if (row % 7 !== 0) t.equal(texts?.mightContain(bloomHash(text)), true)
    if (codes?.mightContain(bloomHash(int64Bytes(BigInt(row * 2 + 1))))) wrong += 1
  }
  t.ok(wrong < 300, `${wrong} of 3000 odd codes pass`)
})

t.test('a filter that is not what it says is none', async (t) => {
  const whole = filterBytes('code')
  t.ok(read(whole))
  t.equal(read(whole.slice(0, -1)), undefined, 'cut short')
  t.equal(read(Buffer.concat([whole, Buffer.alloc(32)])), undefined, 'longer than it says')
  const header = whole.length - Math.floor(whole.length / 32) * 32
  for (let at = 0; at < header; at++) {
    const changed = Uint8Array.from(whole)
    changed[at] = (changed[at] ?? 0) ^ 0x10
    const readChanged = () => {
      try {
        return read(changed)
      } catch {
        return undefined
      }
    }
    t.equal(readChanged(), undefined, `byte ${at} of the header changed`)
  }
})
