import { execFileSync } from 'node:child_process'
import { mkdir, mkdtemp, rm, symlink, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import type { Test } from 'tap'
import { fileStore } from '../../../service/objects/file-store.ts'

const signal = new AbortController().signal
const range = { start: 0, end: 1 }

async function scratch(t: Test): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'spillway-file-store-'))
  t.teardown(() => rm(folder, { recursive: true }))
  await mkdir(join(folder, 'root/lake'), { recursive: true })
  return folder
}

t.test('links that leave the bucket are neither listed nor read', async (t) => {
  const folder = await scratch(t)
  const lake = join(folder, 'root/lake')
  await mkdir(join(folder, 'root/other'))
  await writeFile(join(folder, 'secret'), 'secret')
  await writeFile(join(folder, 'root/other/file'), 'other')
  await writeFile(join(lake, 'file'), 'mine')
  await symlink(join(folder, 'secret'), join(lake, 'link-out'))
  await symlink(folder, join(lake, 'folder-out'))
  await symlink('../other/file', join(lake, 'link-to-other'))
  await symlink('file', join(lake, 'link-inside'))
  await symlink('nowhere', join(lake, 'link-dead'))
  await symlink(folder, join(folder, 'root/bucket-out'))

  const store = fileStore(join(folder, 'root'))
  t.strictSame(await store.listBuckets(signal), ['lake', 'other'])
  const { objects } = await store.list({ bucket: 'lake', prefix: '', shallow: false }, signal)
  t.strictSame(
    objects.map((object) => object.key),
    ['file', 'link-inside'],
  )
  const [object] = objects
  if (object === undefined) return
  const bytesOf = (key: string, bucket = 'lake'): Promise<Uint8Array> =>
    store.read({ object: { ...object, key, bucket }, range }, signal)
  t.equal(Buffer.from(await bytesOf('link-inside')).toString(), 'm')
  for (const key of ['link-out', 'folder-out/secret', 'link-to-other'])
    await t.rejects(bytesOf(key), { code: 'unavailable', message: /OutsideOfBucket/ })
  for (const key of [
    '../other/file',
    '../../secret',
    '/etc/passwd',
    './file',
    'a/../file',
    '',
    'x',
  ])
    await t.rejects(bytesOf(key), { code: 'object_changed' }, key)
  for (const bucket of ['bucket-out', '..', '.', '', 'lake/..', 'absent'])
    await t.rejects(bytesOf('secret', bucket), { code: 'table_not_found' }, bucket)
})

t.test('prefixes with dots lead nowhere, circles have an end', async (t) => {
  const folder = await scratch(t)
  const lake = join(folder, 'root/lake')
  await mkdir(join(lake, 'a/b'), { recursive: true })
  await mkdir(join(lake, 'c'))
  await writeFile(join(lake, 'a/b/file'), 'x')
  await symlink('..', join(lake, 'a/up'))
  await symlink('../a', join(lake, 'c/to-a'))
  await symlink('../../c', join(lake, 'a/b/to-c'))
  const store = fileStore(join(folder, 'root'))
  const keysBelow = async (prefix: string): Promise<string[]> => {
    const page = await store.list({ bucket: 'lake', prefix, shallow: false }, signal)
    return page.objects.map((object) => object.key)
  }
  t.strictSame(await keysBelow(''), ['a/b/file', 'c/to-a/b/file'])
  for (const prefix of ['../', 'a/../', './', '../../', '/'])
    t.strictSame(await keysBelow(prefix), [])
})

t.test('a change without a change of size is a change', async (t) => {
  const folder = await scratch(t)
  const path = join(folder, 'root/lake/file')
  await writeFile(path, 'one')
  const store = fileStore(join(folder, 'root'))
  const { objects } = await store.list({ bucket: 'lake', prefix: '', shallow: false }, signal)
  const [object] = objects
  if (object === undefined) return
  t.match(object.etag, /^[0-9a-f]{32}$/)
  await utimes(path, 1_700_000_000, 1_700_000_000)
  await t.rejects(store.read({ object, range }, signal), { code: 'object_changed' })
})

t.test('pipes and folders are no objects, and do not hold the reader', async (t) => {
  const folder = await scratch(t)
  execFileSync('mkfifo', [join(folder, 'root/lake/pipe')])
  await mkdir(join(folder, 'root/lake/folder'))
  const store = fileStore(join(folder, 'root'))
  const page = await store.list({ bucket: 'lake', prefix: '', shallow: true }, signal)
  t.strictSame([page.objects, page.prefixes], [[], []], 'a folder without files is none')
  for (const key of ['pipe', 'folder']) {
    const object = { bucket: 'lake', key, etag: 'e', sizeBytes: 1 }
    await t.rejects(store.read({ object, range }, signal), { code: 'object_changed' })
  }
})

t.test('small pages tell every key once', async (t) => {
  const folder = await scratch(t)
  const keys = ['a', 'a-b', 'a.c/x', 'a.c/y', 'a0', 'b/1/2', 'b/1/3', 'b/2']
  for (const key of keys) {
    await mkdir(join(folder, 'root/lake', key, '..'), { recursive: true })
    await writeFile(join(folder, 'root/lake', key), key)
  }
  const store = fileStore(join(folder, 'root'), { pageEntriesMax: 3 })
  for (const shallow of [false, true]) {
    const told: string[] = []
    let continuation: string | undefined
    do {
      const request = { bucket: 'lake', prefix: '', shallow }
      const page = await store.list(
        continuation === undefined ? request : { ...request, continuation },
        signal,
      )
      told.push(...page.objects.map((object) => object.key), ...page.prefixes)
      continuation = page.continuation
    } while (continuation !== undefined)
    t.strictSame(told.toSorted(), shallow ? ['a', 'a-b', 'a.c/', 'a0', 'b/'] : keys)
  }
})

t.test('a folder that is not there is unavailable', async (t) => {
  const store = fileStore('/nowhere/at/all')
  await t.rejects(store.listBuckets(signal), { code: 'unavailable', message: /nowhere.*ENOENT/ })
})
