import t from 'tap'
import { Quarantine } from '../../../service/scan/quarantine.ts'

const pieceOf = (source: string, etag = '1') => ({
  source,
  object: { bucket: 'b', key: source, etag, sizeBytes: 1 },
})

function quarantineOf(keptMs = 100) {
  const clock = { ms: 0 }
  return { clock, quarantine: new Quarantine({ keptMs, nowMs: () => clock.ms }) }
}

t.test('a trap or a hang is remembered for a time, for this version of the file', async (t) => {
  const { clock, quarantine } = quarantineOf()
  const first = quarantine.accuse(pieceOf('b/k, row group 0'), 'trap', new Error('unreachable'))
  t.match(first, { code: 'unreadable_file', message: /b\/k, row group 0/ })
  const again = quarantine.refusal(pieceOf('b/k, row group 0'))
  t.match(again, { code: 'unreadable_file', message: first?.message })
  t.equal(quarantine.refusal(pieceOf('b/k, row group 1')), undefined)
  t.equal(quarantine.refusal(pieceOf('b/k, row group 0', '2')), undefined, 'written anew')
  t.equal(quarantine.refusedCount, 1)
  t.strictSame(quarantine.list(), [
    { source: 'b/k, row group 0', etag: '1', how: 'trap', untilMs: 100 },
  ])
  clock.ms = 100
  t.equal(quarantine.refusal(pieceOf('b/k, row group 0')), undefined, 'its time is over')
  t.strictSame(quarantine.list(), [])
})

t.test('one death is an accident, three in a row are not', async (t) => {
  const { quarantine } = quarantineOf()
  const piece = pieceOf('b/k, row group 0')
  t.equal(quarantine.accuse(piece, 'death', undefined), undefined)
  t.equal(quarantine.accuse(piece, 'death', undefined), undefined)
  quarantine.absolve(piece)
  t.equal(quarantine.accuse(piece, 'death', undefined), undefined)
  t.equal(quarantine.accuse(piece, 'death', undefined), undefined)
  t.equal(quarantine.refusal(piece), undefined)
  t.match(quarantine.accuse(piece, 'death', undefined), { code: 'unreadable_file' })
  t.match(quarantine.refusal(piece), { code: 'unreadable_file' })
})

t.test('who looked into it releases a row group', async (t) => {
  const { quarantine } = quarantineOf()
  const piece = pieceOf('b/k, row group 0')
  quarantine.accuse(piece, 'hang', undefined)
  t.equal(quarantine.release('b/k, row group 1'), false)
  t.equal(quarantine.release('b/k, row group 0'), true)
  t.equal(quarantine.refusal(piece), undefined)
})

t.test('no more than a thousand are remembered, the oldest is forgotten', async (t) => {
  const { quarantine } = quarantineOf()
  for (let i = 0; i <= 1_000; i++) quarantine.accuse(pieceOf(`${i}`), 'trap', undefined)
  t.equal(quarantine.list().length, 1_000)
  t.equal(quarantine.refusal(pieceOf('0')), undefined)
  t.match(quarantine.refusal(pieceOf('1000')), { code: 'unreadable_file' })
})
