import { createHash } from 'node:crypto'
import t from 'tap'
import { parseCallersFile } from '../../../service/credentials/callers-file.ts'
import {
  addCaller,
  emptyCallersFile,
  newToken,
  removeCaller,
  rotateCaller,
} from '../../../service/credentials/edit-callers-file.ts'
import { Secret } from '../../../service/credentials/secret.ts'

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex')
const file = 'callers.yaml'
const tokensOf = (text: string, name: string) =>
  parseCallersFile(text, file)
    .callers.find(({ caller }) => caller.name === name)
    ?.tokens.map(({ digest, endsMs }) => [digest.toString('hex'), endsMs])

const written = `# the head
roles:
  r: { tables: [{ schema: '*', table: '*' }] } # of a role

callers:
  # of the first
  - name: a
    roles: [r]
    tokens:
      - sha256: '${sha256('old')}' # of a token
      - { sha256: '${sha256('older')}', expires: 2026-01-01 }
  - { name: b } # of the second
issuers: []
`

t.test('a token is long, plain and no other', async (t) => {
  const tokens = Array.from({ length: 100 }, () => newToken().reveal())
  t.equal(new Set(tokens).size, 100)
  for (const token of tokens) t.match(token, /^spw_[\w-]{43}$/)
})

t.test('the first caller of a new file is let in by its token alone', async (t) => {
  const token = new Secret('canary-token')
  const text = addCaller(
    { text: emptyCallersFile, file },
    { name: 'a', roles: ['everything'], token },
  )
  t.strictSame(tokensOf(text, 'a'), [[sha256('canary-token'), undefined]])
  t.notMatch(text, /canary/)
  t.ok(text.startsWith(emptyCallersFile), 'what was there is as it was')
})

t.test('all that is not changed stays, comments too', async (t) => {
  const added = addCaller(
    { text: written, file },
    { name: 'c', roles: ['r'], token: new Secret('new'), expires: '2027-01-01' },
  )
  t.strictSame(tokensOf(added, 'c'), [[sha256('new'), Date.UTC(2027, 0, 1)]])
  const oldExpires = '2026-06-01T12:00:00.000Z'
  const rotated = rotateCaller(
    { text: added, file },
    { name: 'a', token: new Secret('newer'), oldExpires },
  )
  t.strictSame(tokensOf(rotated, 'a'), [
    [sha256('old'), Date.parse(oldExpires)],
    [sha256('older'), Date.UTC(2026, 0, 1)],
    [sha256('newer'), undefined],
  ])
  const removed = removeCaller({ text: rotated, file }, 'b')
  t.equal(tokensOf(removed, 'b'), undefined)
  for (const text of [added, rotated, removed]) {
    for (const [comment] of written.matchAll(/# .*/g)) {
      t.equal(text.includes(comment), text !== removed || comment !== '# of the second', comment)
    }
  }
})

t.test('a token of a caller without any is its first', async (t) => {
  const text = rotateCaller(
    { text: written, file },
    { name: 'b', token: new Secret('x'), oldExpires: '2026-06-01', expires: '2028-01-01' },
  )
  t.strictSame(tokensOf(text, 'b'), [[sha256('x'), Date.UTC(2028, 0, 1)]])
})

t.test('JSON stays JSON', async (t) => {
  const text = JSON.stringify({ roles: { r: {} }, callers: [] })
  const added = addCaller({ text, file }, { name: 'a', roles: ['r'], token: new Secret('x') })
  t.strictSame(JSON.parse(added), {
    roles: { r: {} },
    callers: [{ name: 'a', roles: ['r'], tokens: [{ sha256: sha256('x') }] }],
  })
})

t.test('what would be no good is not made', async (t) => {
  const token = new Secret('x')
  const refused = { code: 'invalid_request' }
  const now = { text: written, file }
  const add = (name: string, role: string) => addCaller(now, { name, roles: [role], token })
  t.throws(() => add('a', 'r'), refused, 'the name is taken')
  t.throws(() => add('c', 'x'), refused, 'there is no such role')
  t.throws(() => add('c:d', 'r'), refused)
  t.throws(() => removeCaller(now, 'c'), { ...refused, message: /no caller c/ })
  t.throws(() => rotateCaller(now, { name: 'a', token, oldExpires: 'soon' }), refused)
  t.throws(() => removeCaller({ text: 'callers: 7', file }, 'a'), refused)
})
