import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { execFileSync, spawn } from 'node:child_process'
import { mkdir, mkdtemp, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate as immediate } from 'node:timers/promises'
import { once, setMaxListeners } from 'node:events'
import t from 'tap'
import type { Test } from 'tap'
import { FooterArchive } from '../../../service/footers/footer-archive.ts'
import type { FooterArchiveOptions } from '../../../service/footers/footer-archive.ts'
import { FooterCache } from '../../../service/footers/footer-cache.ts'
import { memoryStore } from '../../../service/objects/memory-store.ts'
import { countingStore } from '../../support/counting-store.ts'
import { emptyParquet } from '../../support/parquet-builder.ts'

const { signal } = new AbortController()
setMaxListeners(100, signal)
const bytesOf = (name: string, length = 100) => Buffer.alloc(length, `${name} `)

async function folder(t: Test): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'spillway-archive-'))
  t.teardown(() => rm(directory, { recursive: true, force: true }))
  return directory
}

const open = (directory: string, options: Partial<FooterArchiveOptions> = {}) =>
  FooterArchive.open({ directory, bytesMax: 1 << 20, ...options })

async function recordFiles(directory: string): Promise<string[]> {
  const inner = join(directory, 'spillway-records-v1')
  const names = await readdir(inner, { recursive: true, withFileTypes: true })
  return names.filter((one) => one.isFile()).map((one) => join(one.parentPath, one.name))
}

t.test('keeps records over a restart, and has them before they are written', async (t) => {
  const directory = await folder(t)
  const first = await open(directory)
  first.put('a', bytesOf('a'))
  t.same(await first.get('a'), bytesOf('a'))
  first.put('a', bytesOf('other'))
  first.put('b', bytesOf('b', 0))
  await first.close()
  const second = await open(directory)
  t.same(await second.get('a'), bytesOf('other'))
  t.same(await second.get('b'), bytesOf('b', 0))
  t.equal(await second.get('c'), undefined)
  await second.close()
  t.match(second.counters, { hits: 2, misses: 1, damaged: 0, records: 2, bytes: 8192 })
  for (const file of await recordFiles(directory)) t.equal((await stat(file)).mode & 0o77, 0)
})

t.test('drops and counts whatever is not what was written', async (t) => {
  const directory = await folder(t)
  const archive = await open(directory)
  archive.put('a', bytesOf('a'))
  await archive.close()
  const [file = ''] = await recordFiles(directory)
  const sound = await readFile(file)
  const flip = (at: number) => {
    const damaged = Buffer.from(sound)
    damaged[at] = (damaged[at] ?? 0) ^ 1
    return damaged
  }
  const cases = Array.from({ length: sound.length }, (_, at) => flip(at))
  for (let end = 0; end < sound.length; end += 7) cases.push(sound.subarray(0, end))
  cases.push(Buffer.concat([sound, Buffer.of(0)]))
  const reader = await open(directory)
  for (const [at, damaged] of cases.entries()) {
    await writeFile(file, damaged)
    if (await reader.get('a')) t.fail(`case ${at}`)
    t.match(reader.counters, { damaged: at + 1, misses: at + 1, hits: 0 })
    while (existsSync(file)) await immediate()
  }
  reader.put('a', bytesOf('a'))
  await reader.close()
  t.same(await readFile(file), sound, 'it is written again')
})

t.test('takes no record for one of another name', async (t) => {
  const directory = await folder(t)
  const archive = await open(directory)
  archive.put('a', bytesOf('a'))
  archive.put('b', bytesOf('b'))
  await archive.close()
  const [one = '', two = ''] = await recordFiles(directory)
  await writeFile(one, await readFile(two))
  const reader = await open(directory)
  const found = [await reader.get('a'), await reader.get('b')].filter((record) => record)
  t.equal(found.length, 1)
  t.equal(reader.counters.damaged, 1)
  await reader.close()
})

t.test('keeps to its bytes, the longest unused go first', async (t) => {
  const directory = await folder(t)
  const archive = await open(directory, { bytesMax: 3 * 4096 })
  for (const name of ['a', 'b', 'c']) archive.put(name, bytesOf(name))
  await archive.close()
  const second = await open(directory, { bytesMax: 3 * 4096 })
  await second.close()
  const third = await open(directory, { bytesMax: 3 * 4096 })
  third.put('big', bytesOf('big', 3 * 4096))
  await third.get('nobody')
  third.put('d', bytesOf('d'))
  await third.close()
  t.equal(third.counters.unwritten, 1)
  t.match(third.counters, { records: 3, bytes: 3 * 4096 })
  t.equal((await recordFiles(directory)).length, 3)
  const smaller = await open(directory, { bytesMax: 4096 })
  await smaller.close()
  t.equal((await recordFiles(directory)).length, 1)
})

t.test('clears what other versions and killed processes left, and nothing else', async (t) => {
  const directory = await folder(t)
  await mkdir(join(directory, 'spillway-records-v0', '0'), { recursive: true })
  await mkdir(join(directory, 'mine'))
  await writeFile(join(directory, 'spillway-records-v0', '0', 'x'), 'old')
  await (await open(directory)).close()
  const inner = join(directory, 'spillway-records-v1', 'a')
  const left = join(inner, `${'ab'.repeat(32)}.01234567-89ab-cdef-0123-456789abcdef.tmp`)
  await writeFile(left, 'half')
  await writeFile(join(inner, 'note'), 'of somebody else')
  await (await open(directory)).close()
  t.strictSame((await readdir(inner)).length, 2, 'it may still be written')
  const longAgo = new Date(Date.now() - 3_600_000)
  await utimes(left, longAgo, longAgo)
  const archive = await open(directory)
  await archive.close()
  t.strictSame(await readdir(inner), ['note'])
  t.strictSame((await readdir(directory)).toSorted(), ['mine', 'spillway-records-v1'])
  t.equal(archive.counters.records, 0)
})

t.test('says at once that a folder cannot be written', async (t) => {
  const directory = await folder(t)
  await writeFile(join(directory, 'file'), '')
  await t.rejects(open(join(directory, 'file')), {
    code: 'unavailable',
    message: /cannot write below .*file, the folder of the cache/,
  })
})

t.test('goes on when the folder has gone', async (t) => {
  const directory = await folder(t)
  const archive = await open(directory)
  await rm(directory, { recursive: true })
  archive.put('a', bytesOf('a'))
  await archive.close()
  t.equal(await archive.get('a'), undefined)
  t.match(archive.counters, { unwritten: 1, records: 0 })
})

t.test('does not wait for a disk that does not answer, and leaves it alone', async (t) => {
  const directory = await folder(t)
  const first = await open(directory)
  for (const name of ['a', 'b']) first.put(name, bytesOf(name))
  await first.close()
  const files = await recordFiles(directory)
  for (const file of files) {
    await rm(file)
    execFileSync('mkfifo', [file])
  }
  const archive = await open(directory, { readTimeoutMs: 20 })
  t.equal(await archive.get('a'), undefined)
  t.equal(await archive.get('b'), undefined)
  t.match(archive.counters, { slow: 1, misses: 2, damaged: 0 })
  const [stuck = ''] = files.filter((file) => isNamed(file, 'a'))
  await writeFile(stuck, '')
  await archive.close()
})

function isNamed(file: string, name: string): boolean {
  return file.endsWith(createHash('sha256').update(name).digest('hex'))
}

t.test('has no more waiting to be written than it may', async (t) => {
  const archive = await open(await folder(t), { bytesMax: 1 << 30 })
  const large = Buffer.alloc(30 << 20)
  for (const name of ['a', 'b', 'c']) archive.put(name, large)
  t.equal(archive.counters.unwritten, 1)
  archive.put('a', large)
  await archive.close()
  t.match(archive.counters, { unwritten: 1, records: 2 })
  archive.put('d', bytesOf('d'))
  t.equal(archive.counters.unwritten, 2, 'nothing is written after the end')
})

const writer = `
  import { FooterArchive } from './service/footers/footer-archive.ts'
  const [directory] = process.argv.slice(-1)
  const archive = await FooterArchive.open({ directory, bytesMax: 1 << 24 })
  for (let round = 0; ; round++) {
    for (let at = 0; at < 50; at++) archive.put('r' + at, Buffer.alloc(20_000, 'r' + at + ' '))
    await new Promise((resolve) => setTimeout(resolve, 2))
    if (round === 0) process.stdout.write('begun')
  }
`

t.test('a killed process leaves whole records or none', { timeout: 60_000 }, async (t) => {
  const directory = await folder(t)
  let found = 0
  for (let round = 0; round < 5; round++) {
    const words = ['--import=tsx', '--input-type=module', '-e', writer, '--', directory]
    const child = spawn(process.execPath, words, { stdio: ['ignore', 'pipe', 'inherit'] })
    await once(child.stdout, 'data')
    await new Promise((resolve) => setTimeout(resolve, 13 * round))
    child.kill('SIGKILL')
    await once(child, 'exit')
    const archive = await open(directory, { bytesMax: 1 << 24 })
    for (let at = 0; at < 50; at++) {
      const record = await archive.get(`r${at}`)
      if (!record) continue
      found += 1
      if (!Buffer.alloc(20_000, `r${at} `).equals(record)) t.fail(`r${at} is mixed`)
    }
    t.equal(archive.counters.damaged, 0)
    await archive.close()
  }
  t.ok(found > 0, `${found} records`)
})

t.test('footers come from the archive after a restart: no request at all', async (t) => {
  const directory = await folder(t)
  const store = countingStore(memoryStore())
  const memory = memoryStore()
  const counted = countingStore(memory)
  const file = (name: string) =>
    emptyParquet({ columns: [{ name, repetition: 'optional', type: 2 }], paddingBytes: 100_000 })
  const objects = Array.from({ length: 40 }, (_, at) => memory.put('b', `k${at}`, file(`c${at}`)))
  const run = async (parse: number) => {
    const archive = await open(directory, { bytesMax: 1 << 24 })
    const cache = new FooterCache({ store: counted, bytesMax: 1 << 24, concurrency: 8, archive })
    const footers = await Promise.all(objects.map((object) => cache.get(object, signal)))
    await archive.close()
    t.strictSame(
      footers.map(({ columns }) => columns[0]?.field.name),
      objects.map((_, at) => `c${at}`),
    )
    t.equal(cache.counters.restored, parse)
    return footers
  }
  const cold = await run(0)
  t.equal(counted.reads.length, 80, 'longer than the first guess: two reads each')
  counted.reset()
  const warm = await run(40)
  t.equal(counted.reads.length, 0)
  t.same(
    warm.map(({ bytes }) => Buffer.from(bytes)),
    cold.map(({ bytes }) => Buffer.from(bytes)),
  )
  objects[3] = memory.put('b', 'k3', file('c3x'))
  objects[3] = memory.put(
    'b',
    'k3',
    emptyParquet({ columns: [{ name: 'c3', repetition: 'required', type: 1 }] }),
  )
  const changed = await run(39)
  t.equal(counted.reads.length, 1, 'another ETag is another footer')
  t.equal(changed[3]?.columns[0]?.field.nullable, false)
  t.equal(store.reads.length, 0)
})

t.test('a record that is no footer is read again', async (t) => {
  const archive = await open(await folder(t))
  const memory = memoryStore()
  const store = countingStore(memory)
  const object = memory.put('b', 'k', emptyParquet({ columns: [] }))
  const name = JSON.stringify([store.id, 'b', 'k', object.etag])
  const cache = () => new FooterCache({ store, bytesMax: 1 << 20, concurrency: 1, archive })
  for (const [at, junk] of [Buffer.of(), Buffer.of(9, 9), Buffer.alloc(300, 7)].entries()) {
    archive.put(name, junk)
    await cache().get(object, signal)
    t.equal(store.reads.length, at + 1)
    t.equal(archive.counters.damaged, at + 1)
  }
  await cache().get(object, signal)
  t.equal(store.reads.length, 3)
  await archive.close()
})
