import t from 'tap'
import type { Field } from '../../../service/arrow/arrow-type.ts'
import { parquetWasmDecoder } from '../../../service/decode/parquet-wasm-decoder.ts'
import { FooterCache } from '../../../service/footers/footer-cache.ts'
import { memoryStore } from '../../../service/objects/memory-store.ts'
import type { ListedObject } from '../../../service/objects/object-store.ts'
import { withByteCache } from '../../../service/objects/with-byte-cache.ts'
import type { Split } from '../../../service/planning/split.ts'
import type { FrameLimits } from '../../../service/scan/frame.ts'
import { InProcessRunner } from '../../../service/scan/in-process-runner.ts'
import type { ScanColumn } from '../../../service/scan/scan-request.ts'
import { scanSplit } from '../../../service/scan/scan-split.ts'
import { rowsOfFrames } from '../../support/columns-from-frames.ts'
import {
  brokenCodes,
  goldenBytes,
  goldenNames,
  goldenRows,
  plainField,
} from '../../support/columns-golden.ts'
import { field, int, utf8 } from '../../support/columns.ts'
import { countingStore } from '../../support/counting-store.ts'

const MIB = 1024 * 1024
const frames: FrameLimits = { bodyBytesTarget: MIB, bodyBytesMax: 2 * MIB, rowsMax: 100_000 }
const quiet = new AbortController().signal
const decoder = parquetWasmDecoder()

/** A table of golden files, and what is needed to scan it. */
function tableOf(keys: Readonly<Record<string, string>>) {
  const memory = memoryStore()
  const objects = Object.entries(keys).map(([key, name]) =>
    memory.put('b', `t/${key}`, goldenBytes(name)),
  )
  const store = countingStore(memory)
  const footers = new FooterCache({ store: memory, bytesMax: 64 * MIB, concurrency: 4 })
  const runner = new InProcessRunner({ store, decoder, nowMs: () => performance.now() })
  return { memory, store, objects, runner, deps: { footers, runner }, footers }
}

type Table = ReturnType<typeof tableOf>

async function splitOf(table: Table, objects: readonly ListedObject[]): Promise<Split> {
  const files = await Promise.all(
    objects.map(async (object) => ({
      key: object.key,
      etag: object.etag,
      sizeBytes: object.sizeBytes,
      rowGroups: { start: 0, end: (await table.footers.get(object, quiet)).rowGroupCount },
    })),
  )
  return {
    table: { schema: 'b', table: 't' },
    bucket: 'b',
    prefix: 't/',
    files,
    partitionColumns: ['day', 'Region'],
    expiresMs: 0,
  }
}

async function fieldsOf(table: Table): Promise<Field[]> {
  const [object] = table.objects
  if (object === undefined) throw new Error('no object')
  return (await table.footers.get(object, quiet)).columns.map(({ field }) => plainField(field))
}

const fromFile = (field: Field): ScanColumn => ({ field, from: { kind: 'file' } })

t.test('every golden file is read row for row', async (t) => {
  for (const name of goldenNames()) {
    const table = tableOf({ 'a.parquet': name })
    const fields = await fieldsOf(table)
    const split = await splitOf(table, table.objects)
    const request = { split, columns: fields.map(fromFile), frames }
    const scan = scanSplit(request, table.deps, quiet)
    const rows = await rowsOfFrames(fields, scan.frames)
    t.strictSame(rows, goldenRows(name), name)
    t.equal(scan.receipt.rowsReturned, rows.length, name)
    t.equal(table.runner.memory.usedBytes, 0, `${name} leaves no memory behind`)
  }
})

t.test(
  'a file that is here already is not read again, only asked whether it is the same',
  async (t) => {
    for (const name of goldenNames()) {
      const table = tableOf({ 'a.parquet': name })
      const fields = await fieldsOf(table)
      const split = await splitOf(table, table.objects)
      const smallFiles = { get: () => goldenBytes(name) }
      const request = { split, columns: fields.map(fromFile), frames }
      const scan = scanSplit(request, { ...table.deps, smallFiles }, quiet)
      const rows = await rowsOfFrames(fields, scan.frames)
      t.strictSame(rows, goldenRows(name), name)
      const { cachedBytes, fetchBytes, fetchRequests, wastedBytes } = scan.receipt
      const asked = rows.length > 0 && fields.length > 0 ? 1 : 0
      t.strictSame([fetchRequests, fetchBytes, wastedBytes], [asked, asked, 0], name)
      t.equal(table.store.reads.length, asked)
      t.equal(cachedBytes > 0, asked > 0, name)
    }
  },
)

t.test(
  'a file at hand that was replaced between two reads is told, whatever is cached',
  async (t) => {
    const [other = ''] = goldenNames().filter((one) => one !== 'structs')
    const name = 'structs'
    const table = tableOf({ 'a.parquet': name })
    const fields = await fieldsOf(table)
    const split = await splitOf(table, table.objects)
    const store = withByteCache(table.store, { bytesMax: MIB, keep: 'all' })
    const runner = new InProcessRunner({ store, decoder, nowMs: () => performance.now() })
    const read = async () => {
      const smallFiles = { get: () => goldenBytes(name) }
      const request = { split, columns: fields.map(fromFile), frames }
      const scan = scanSplit(request, { ...table.deps, runner, smallFiles }, quiet)
      return rowsOfFrames(fields, scan.frames)
    }
    for (let time = 0; time < 3; time++) t.strictSame(await read(), goldenRows(name))
    t.equal(table.store.reads.length, 3, 'the store is asked each time')
    table.memory.put('b', 't/a.parquet', goldenBytes(other))
    await t.rejects(read(), { code: 'object_changed' })
  },
)

t.test('a file that the store gave a moment ago is not asked about', async (t) => {
  const name = 'structs'
  const table = tableOf({ 'a.parquet': name })
  const fields = await fieldsOf(table)
  const split = await splitOf(table, table.objects)
  table.store.reset()
  const smallFiles = { get: () => goldenBytes(name), isFresh: () => true }
  const request = { split, columns: fields.map(fromFile), frames }
  const scan = scanSplit(request, { ...table.deps, smallFiles }, quiet)
  t.strictSame(await rowsOfFrames(fields, scan.frames), goldenRows(name))
  t.equal(table.store.reads.length, 0)
  t.match(scan.receipt, { fetchRequests: 0, fetchBytes: 0 })
})

t.test('every broken file ends with its error', async (t) => {
  for (const [name, codes] of brokenCodes()) {
    const table = tableOf({ 'a.parquet': name })
    const scanned = async () => {
      const fields = await fieldsOf(table)
      const split = await splitOf(table, table.objects)
      const scan = scanSplit({ split, columns: fields.map(fromFile), frames }, table.deps, quiet)
      return rowsOfFrames(fields, scan.frames)
    }
    const error = (await scanned().then(
      () => ({ code: 'none' }),
      (reason: unknown) => reason,
    )) as { code: string }
    t.ok(codes.includes(error.code), `${name} gives ${error.code}`)
    t.equal(table.runner.memory.usedBytes, 0)
  }
})

t.test(
  'columns come in the order asked, by exact name or whatever the case, nulls where missing',
  async (t) => {
    const table = tableOf({ 'a.parquet': 'structs' })
    const all = await fieldsOf(table)
    const [id, struct] = all
    if (id === undefined || struct === undefined) throw new Error('too few columns')
    const fields = [field('nowhere', utf8), { ...struct, name: struct.name.toUpperCase() }, id]
    const split = await splitOf(table, table.objects)
    const scan = scanSplit({ split, columns: fields.map(fromFile), frames }, table.deps, quiet)
    t.strictSame(
      await rowsOfFrames(fields, scan.frames),
      goldenRows('structs').map((row) => [null, row[1], row[0]]),
    )
  },
)

t.test('partition columns come from the folders', async (t) => {
  const table = tableOf({
    'day=2026-11-02/region=a%2Fb/x.parquet': 'one_row',
    'day=__HIVE_DEFAULT_PARTITION__/region=/x.parquet': 'one_row',
    'y.parquet': 'one_row',
  })
  const split = await splitOf(table, table.objects)
  const day = field('day', { kind: 'date', unit: 'day' })
  const region = field('region', utf8)
  const columns: ScanColumn[] = [
    { field: day, from: { kind: 'partition', partition: 'day' } },
    { field: region, from: { kind: 'partition', partition: 'Region' } },
  ]
  const scan = scanSplit({ split, columns, frames }, table.deps, quiet)
  t.strictSame(await rowsOfFrames([day, region], scan.frames), [
    ['2026-11-02', 'a/b'],
    [null, ''],
    [null, null],
  ])
  t.equal(table.store.reads.length, 0, 'no data was read')
})

t.test('a folder that is no value of its type is named', async (t) => {
  const table = tableOf({ 'day=soon/x.parquet': 'one_row' })
  const split = await splitOf(table, table.objects)
  const day = field('day', int(32))
  const columns: ScanColumn[] = [{ field: day, from: { kind: 'partition', partition: 'day' } }]
  const { frames: failing } = scanSplit({ split, columns, frames }, table.deps, quiet)
  await t.rejects(rowsOfFrames([day], failing), {
    code: 'unsupported',
    message: 'b/t/day=soon/x.parquet: the folder "day=soon" is no int32',
  })
})

t.test(
  'a name that fits two columns, a type that cannot be and a missing required column are named',
  async (t) => {
    const twins = tableOf({ 'a.parquet': 'case_twins' })
    const [twin] = await fieldsOf(twins)
    if (twin === undefined) throw new Error('no column')
    const failing = async (wanted: Field) => {
      const split = await splitOf(twins, twins.objects)
      const scan = scanSplit({ split, columns: [fromFile(wanted)], frames }, twins.deps, quiet)
      return rowsOfFrames([wanted], scan.frames)
    }
    await t.rejects(failing({ ...twin, name: 'iD' }), { code: 'unsupported' })
    await t.rejects(failing({ ...twin, type: { kind: 'bool' } }), { code: 'unsupported' })
    await t.rejects(failing({ name: 'gone', type: utf8, nullable: false }), {
      code: 'unreadable_file',
      message: 'b/t/a.parquet has no column "gone", which is never null in its table',
    })
  },
)

t.test('a limit ends the scan and the reads', async (t) => {
  const table = tableOf({ 'a.parquet': 'row_groups_of_3', 'b.parquet': 'row_groups_of_3' })
  const fields = await fieldsOf(table)
  const split = await splitOf(table, table.objects)
  const request = { split, columns: fields.map(fromFile), frames, rowLimit: 4 }
  const scan = scanSplit(request, table.deps, quiet)
  t.strictSame(await rowsOfFrames(fields, scan.frames), goldenRows('row_groups_of_3').slice(0, 4))
  t.equal(scan.receipt.rowGroups, 2)
  t.equal(scan.receipt.rowsReturned, 4)
  t.equal(scan.receipt.fetchRequests, table.store.reads.length)
  t.equal(scan.receipt.fetchBytes, table.store.bytesAsked())
  const none = scanSplit({ ...request, rowLimit: 0 }, table.deps, quiet)
  t.strictSame(await rowsOfFrames(fields, none.frames), [])
})

t.test('small row groups share frames, small frames share row groups', async (t) => {
  const table = tableOf({ 'a.parquet': 'row_groups_of_3', 'b.parquet': 'row_groups_of_3' })
  const fields = await fieldsOf(table)
  const split = await splitOf(table, table.objects)
  const columns = fields.map(fromFile)
  const expected = [...goldenRows('row_groups_of_3'), ...goldenRows('row_groups_of_3')]
  const whole = scanSplit({ split, columns, frames }, table.deps, quiet)
  t.strictSame(await rowsOfFrames(fields, whole.frames), expected)
  t.equal(whole.receipt.frames, 1)
  const limits = { ...frames, rowsMax: 2 }
  const pairs = scanSplit({ split, columns, frames: limits }, table.deps, quiet)
  t.strictSame(await rowsOfFrames(fields, pairs.frames), expected)
  t.equal(pairs.receipt.frames, expected.length / 2)
})

t.test('a row larger than a block may be is too large', async (t) => {
  const table = tableOf({ 'a.parquet': 'codec_none' })
  const fields = await fieldsOf(table)
  const split = await splitOf(table, table.objects)
  const limits = { bodyBytesTarget: 64, bodyBytesMax: 128, rowsMax: 10 }
  const scan = scanSplit(
    { split, columns: fields.map(fromFile), frames: limits },
    table.deps,
    quiet,
  )
  await t.rejects(rowsOfFrames(fields, scan.frames), { code: 'too_large' })
})

t.test('a plan for more row groups than there are is an old plan', async (t) => {
  const table = tableOf({ 'a.parquet': 'one_row' })
  const [file] = (await splitOf(table, table.objects)).files
  if (file === undefined) throw new Error('no file')
  const split = await splitOf(table, [])
  const old = { ...split, files: [{ ...file, rowGroups: { start: 0, end: 2 } }] }
  const scan = scanSplit({ split: old, columns: [], frames }, table.deps, quiet)
  await t.rejects(rowsOfFrames([], scan.frames), { code: 'object_changed' })
})

t.test('an object that changed after the plan gives no row of either version', async (t) => {
  const table = tableOf({ 'a.parquet': 'integers' })
  const fields = await fieldsOf(table)
  const split = await splitOf(table, table.objects)
  table.memory.put('b', 't/a.parquet', goldenBytes('unsigned'))
  const scan = scanSplit({ split, columns: fields.map(fromFile), frames }, table.deps, quiet)
  await t.rejects(rowsOfFrames(fields, scan.frames), { code: 'object_changed' })
})

t.test('leaving early and the signal both end the scan and free its memory', async (t) => {
  const table = tableOf({ 'a.parquet': 'row_groups_of_3', 'b.parquet': 'row_groups_of_3' })
  const fields = await fieldsOf(table)
  const split = await splitOf(table, table.objects)
  const request = { split, columns: fields.map(fromFile), frames: { ...frames, rowsMax: 1 } }
  for await (const frame of scanSplit(request, table.deps, quiet).frames) {
    frame.release()
    break
  }
  t.equal(table.runner.memory.usedBytes, 0)
  const gone = new AbortController()
  const scan = scanSplit(request, table.deps, gone.signal)
  const reading = async () => {
    for await (const frame of scan.frames) {
      frame.release()
      gone.abort()
    }
  }
  await t.rejects(reading(), { code: 'cancelled' })
  t.equal(table.runner.memory.usedBytes, 0)
})
