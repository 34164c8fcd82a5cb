import t from 'tap'
import { compareKeys } from '../../../service/objects/key-order.ts'
import { pageOfKeys } from '../../../service/objects/page-of-keys.ts'

const names = ['a', 'a-b', 'a.x', 'a/b', 'b', '0', 'z/z']
const sorted = names
  .flatMap((left) => names.flatMap((right) => [left, `${left}/${right}`, `${left}/`]))
  .filter((key, at, all) => all.indexOf(key) === at)
  .toSorted(compareKeys)

/** What a listing must tell in all, cut nowhere. */
function entriesBelow(prefix: string, shallow: boolean): string[] {
  const entries = sorted
    .filter((key) => key.startsWith(prefix))
    .map((key) => {
      const slash = shallow ? key.indexOf('/', prefix.length) : -1
      return slash < 0 ? key : key.slice(0, slash + 1)
    })
  return [...new Set(entries)]
}

t.test('pages of every size tell every entry once, in order', async (t) => {
  for (const prefix of ['', 'a', 'a/', 'a/b/', 'z/z/z', 'none/'])
    for (const shallow of [false, true])
      for (const entriesMax of [1, 2, 3, 7, 1000]) {
        const told: string[] = []
        let next: string | undefined
        let pages = 0
        do {
          const place = { prefix, shallow, entriesMax }
          const page = pageOfKeys(sorted, next === undefined ? place : { ...place, after: next })
          told.push(...[...page.keys, ...page.prefixes].toSorted(compareKeys))
          next = page.next
          pages++
        } while (next !== undefined)
        const wanted = entriesBelow(prefix, shallow)
        t.strictSame(told, wanted, `${prefix} ${shallow} ${entriesMax}`)
        t.equal(pages, Math.max(1, Math.ceil(wanted.length / entriesMax)), 'no page too many')
      }
})
