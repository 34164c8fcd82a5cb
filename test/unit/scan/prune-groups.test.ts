import t from 'tap'

import type { Field } from '../../../service/arrow/arrow-type.ts'
import { openDecoder } from '../../../service/decode/open-decoder.ts'
import { FooterCache } from '../../../service/footers/footer-cache.ts'
import { IndexCache } from '../../../service/footers/index-cache.ts'
import { memoryStore } from '../../../service/objects/memory-store.ts'
import { and, inDomain, or, type Predicate } from '../../../service/predicate/predicate.ts'
import type { Value } from '../../../service/predicate/value.ts'
import { InProcessRunner } from '../../../service/scan/in-process-runner.ts'
import { scanSplit } from '../../../service/scan/scan-split.ts'
import { rowsOfFrames } from '../../support/columns-from-frames.ts'
import { plainField } from '../../support/columns-golden.ts'
import { countingStore } from '../../support/counting-store.ts'
import { pagedFile, pagedNames } from '../../support/paged-files.ts'

const MIB = 1024 * 1024
const frames = { bodyBytesTarget: MIB, bodyBytesMax: 2 * MIB, rowsMax: 100_000 }
const quiet = new AbortController().signal
const decoder = await openDecoder('auto')
/** The files of these tests are small: every saving counts. */
const pruning = { indexGainBytesMin: 0, bloomGainMin: 1 }

interface Ask {
  readonly predicate?: Predicate
  readonly columns?: readonly string[]
  readonly pruned?: boolean
}

function openTable(bytes: Uint8Array) {
  const memory = memoryStore()
  const object = memory.put('b', 't/a.parquet', bytes)
  const data = countingStore(memory)
  const planning = countingStore(memory)
  const footers = new FooterCache({ store: memory, bytesMax: 64 * MIB, concurrency: 4 })
  const indexes = new IndexCache({ store: planning, bytesMax: MIB })
  const runner = new InProcessRunner({ store: data, decoder, nowMs: () => 0 })
  const scan = async ({ predicate, columns, pruned = true }: Ask) => {
    const footer = await footers.get(object, quiet)
    const fields = footer.columns.map(({ field }) => plainField(field))
    const wanted = fields.filter(({ name }) => columns?.includes(name) ?? true)
    const file = { ...object, rowGroups: { start: 0, end: footer.rowGroupCount } }
    const split = {
      table: { schema: 'b', table: 't' },
      bucket: 'b',
      prefix: 't/',
      files: [file],
      partitionColumns: [],
      expiresMs: 0,
    }
    const request = {
      split,
      columns: wanted.map((field: Field) => ({ field, from: { kind: 'file' as const } })),
      frames,
      ...(predicate && { predicate }),
    }
    data.reset()
    planning.reset()
    const deps = { footers, runner, ...(pruned && { indexes, pruning }) }
    const run = scanSplit(request, deps, quiet)
    const rows = await rowsOfFrames(wanted, run.frames)
    return { rows, receipt: { ...run.receipt } }
  }
  return { scan, data, planning, object, indexes, footers }
}

const int64 = { kind: 'int', bitWidth: 64, signed: true } as const
const utf8 = { kind: 'utf8' } as const
const range = (low?: Value, high?: Value) => ({
  ...(low !== undefined && { low: { value: low, inclusive: true } }),
  ...(high !== undefined && { high: { value: high, inclusive: true } }),
})
const idBetween = (low: number, high: number) =>
  inDomain('id', int64, { nullAllowed: false, ranges: [range(BigInt(low), BigInt(high))] })
const equals = (column: string, type: typeof int64 | typeof utf8, ...values: Value[]) =>
  inDomain(column, type, { nullAllowed: false, ranges: values.map((one) => range(one, one)) })

const asks: Record<string, Predicate> = {
  'one page': idBetween(1000, 1010),
  'a page of each row group': idBetween(2990, 3010),
  'pages apart': or([idBetween(100, 110), idBetween(2500, 2510), idBetween(4000, 4001)]),
  'two columns with other pages': and([
    idBetween(500, 2000),
    inDomain('text', utf8, {
      nullAllowed: false,
      ranges: [range(Buffer.from('row 000900'), Buffer.from('row 001100'))],
    }),
  ]),
  'null pages': inDomain('color', utf8, { nullAllowed: true, ranges: [] }),
  'no null pages': equals('color', utf8, Buffer.from('green')),
  nothing: and([idBetween(100, 200), idBetween(300, 400)]),
  'floats among NaN': inDomain(
    'amount',
    { kind: 'float', bitWidth: 64 },
    {
      nullAllowed: false,
      ranges: [range(100, 110)],
    },
  ),
  zeros: inDomain(
    'amount',
    { kind: 'float', bitWidth: 64 },
    {
      nullAllowed: false,
      ranges: [range(0, 0)],
    },
  ),
  'a value of the shuffled column': equals('code', int64, 2468n),
  'values beside those of the shuffled column': equals('code', int64, 2469n, 77n),
}

t.test('rows are the same with and without indexes', async (t) => {
  for (const name of pagedNames) {
    const table = openTable(pagedFile(name).bytes)
    for (const [what, predicate] of Object.entries(asks)) {
      const bare = await table.scan({ predicate, pruned: false })
      const pruned = await table.scan({ predicate })
      t.strictSame(pruned.rows, bare.rows, `${name}: ${what}`)
      t.ok(pruned.receipt.rowsRead <= bare.receipt.rowsRead)
    }
  }
})
