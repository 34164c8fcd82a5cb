import t from 'tap'
import { SmallFiles } from '../../../service/footers/small-files.ts'

const version = (key: string, etag = '1') => ({ bucket: 'b', key, etag, sizeBytes: 4 })

t.test('gives what it was given, of that version, for a minute', async (t) => {
  let nowMs = 0
  const files = new SmallFiles({ bytesMax: 100, nowMs: () => nowMs })
  files.keep(version('a'), Uint8Array.of(1, 2))
  files.keep(version('a'), Uint8Array.of(1, 2))
  t.equal(files.heldBytes, 2)
  nowMs = 60_000
  t.strictSame(files.get(version('a')), Uint8Array.of(1, 2))
  t.equal(files.get(version('a', '2')), undefined)
  nowMs = 60_001
  t.equal(files.get(version('a')), undefined)
  t.equal(files.heldBytes, 0)
})

t.test('drops what was used least recently, and holds no more than it may', async (t) => {
  const files = new SmallFiles({ bytesMax: 6, nowMs: () => 0 })
  for (const key of ['a', 'b', 'c']) files.keep(version(key), new Uint8Array(2))
  files.get(version('a'))
  files.keep(version('d'), new Uint8Array(2))
  const held = ['a', 'b', 'c', 'd'].filter((key) => files.get(version(key)) !== undefined)
  t.strictSame(held, ['a', 'c', 'd'])
  files.keep(version('e'), new Uint8Array(7))
  t.equal(files.heldBytes, 0)
})

t.test('is fresh as long as it was told, of that version', async (t) => {
  let nowMs = 0
  const files = new SmallFiles({ bytesMax: 100, freshMs: 2_000, nowMs: () => nowMs })
  files.keep(version('a'), new Uint8Array(2))
  t.equal(files.isFresh(version('a')), true)
  t.equal(files.isFresh(version('a', '2')), false)
  nowMs = 1_999
  files.get(version('a'))
  t.equal(files.isFresh(version('a')), true)
  nowMs = 2_000
  t.equal(files.isFresh(version('a')), false, 'however often it was used')
  const asked = new SmallFiles({ bytesMax: 100, nowMs: () => nowMs })
  asked.keep(version('a'), new Uint8Array(2))
  t.equal(asked.isFresh(version('a')), false)
})
