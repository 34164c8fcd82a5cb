import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import {
  Field,
  Float64,
  List,
  Table,
  tableFromArrays,
  tableToIPC,
  Utf8,
  vectorFromArray,
} from 'apache-arrow'
import {
  Compression,
  Table as WasmTable,
  WriterPropertiesBuilder,
  writeParquet,
} from 'parquet-wasm/esm'

import { randomNumbers } from '../support/columns-random.ts'

/** Files as pyarrow writes them: nullable, dictionary-coded where that pays, one row group. */
const script = `
import json, os, random, sys
import pyarrow as pa, pyarrow.parquet as pq
folder, rows = sys.argv[1], int(sys.argv[2])
random.seed(7)
def column(make, nulls=0.02): return pa.array([None if random.random() < nulls else make() for _ in range(rows)])
def stamps(): return pa.array(sorted(1600000000000000 + int(random.random() * 1e12) for _ in range(rows)), pa.timestamp('us'))
def price(shape, scale): return lambda: round(random.gammavariate(shape, scale), 2)
numbers = {'pickup': stamps(), 'dropoff': stamps(), 'id': pa.array(range(rows)), 'latitude': column(lambda: random.random() * 90), 'longitude': column(lambda: random.random() * 180)}
for name, most in [('vendor', 2), ('passengers', 6), ('rate', 6), ('from', 265), ('to', 265), ('pay', 4)]: numbers[name] = column(lambda: random.randint(1, most))
for name, shape, scale in [('distance', 2, 2), ('fare', 3, 5), ('tip', 1, 3), ('total', 4, 5)]: numbers[name] = column(price(shape, scale))
for name in ['extra', 'tax', 'tolls', 'surcharge', 'fee']: numbers[name] = column(lambda: random.choice([0, 0.5, 1, 2.5]))
words = [''.join(random.choices('abcdefghijklmnopqrstuvwxyz', k=random.randint(3, 8))) for _ in range(3000)]
text = lambda count: lambda: ' '.join(random.choices(words, k=count))
strings = {'level': column(lambda: random.choice(['INFO', 'WARN', 'ERROR'])), 'message': column(text(14)), 'url': column(lambda: 'https://example.com/' + text(4)()), 'host': column(lambda: 'host-%03d' % random.randint(0, 199)), 'trace': column(lambda: '%032x' % random.getrandbits(128))}
entries = ['category-%05d' % i for i in range(5000)]
dictionary = {}
for i in range(8):
    most = [4, 50, 500, 5000][i % 4]
    dictionary['text%d' % i] = column(lambda: entries[int(random.random() * most)])
    dictionary['number%d' % i] = column(lambda: int(random.random() * most) * 1000003)
numbers_of = lambda: [random.randint(0, 100) for _ in range(random.randint(0, 5))]
nested = {'place': column(lambda: {'city': random.choice(words[:300]), 'latitude': random.random() * 90})}
nested['scores'] = column(lambda: [random.random() for _ in numbers_of()])
nested['items'] = column(lambda: [{'sku': number, 'price': random.choice([0.5, 1.25, None]), 'name': random.choice(words[:500])} for number in numbers_of()])
nested['tags'] = pa.array([[(random.choice(words[:50]), number) for number in numbers_of()] for _ in range(rows)], pa.map_(pa.string(), pa.int64()))
for name, columns in [('numbers', numbers), ('dictionary', dictionary), ('strings', strings), ('nested', nested)]:
    for codec in ['snappy', 'zstd']:
        pq.write_table(pa.table(columns), os.path.join(folder, name + ' ' + codec), row_group_size=rows, compression=codec)
`

export interface BenchFile {
  readonly name: string
  readonly bytes: Uint8Array
}

export const benchNames = ['numbers', 'dictionary', 'strings', 'nested'].flatMap((name) =>
  ['snappy', 'zstd'].map((codec) => `${name} ${codec}`),
)

/** By pyarrow where there is a Python that has it, else by parquet-wasm; `writer` says which. */
export function makeBenchFiles(rowCount: number): { writer: string; files: BenchFile[] } {
  const folder = mkdtempSync(join(tmpdir(), 'spillway-kernels-'))
  try {
    const python = process.env['SPILLWAY_TEST_PYTHON'] ?? 'python3'
    const run = spawnSync(python, ['-', folder, String(rowCount)], { input: script })
    if (run.status !== 0) return { writer: 'parquet-wasm', files: writeWithoutPython(rowCount) }
    const files = benchNames.map((name) => ({ name, bytes: readFileSync(join(folder, name)) }))
    return { writer: 'pyarrow', files }
  } finally {
    rmSync(folder, { recursive: true })
  }
}

/** Simpler tables of the same kinds. The caller has initialised parquet-wasm. */
function writeWithoutPython(rowCount: number): BenchFile[] {
  const random = randomNumbers(7)
  const column = <T>(make: () => T): (T | null)[] =>
    Array.from({ length: rowCount }, () => (random() < 0.02 ? null : make()))
  const below = (most: number): number => Math.floor(random() * most)
  const words = Array.from({ length: 3000 }, () =>
    below(1e12)
      .toString(36)
      .slice(0, 3 + below(5)),
  )
  const text = (count: number): string =>
    Array.from({ length: count }, () => words[below(3000)]).join(' ')
  const columnsOf = (make: (index: number) => unknown[]): Record<string, unknown[]> =>
    Object.fromEntries(Array.from({ length: 12 }, (_, index) => [`c${index}`, make(index)]))
  const tables: Record<string, Table> = {
    numbers: tableFromArrays(columnsOf(() => column(() => Math.round(random() ** 4 * 1e5) / 100))),
    dictionary: tableFromArrays(
      columnsOf((i) => column(() => [4, 50, 500, 5000].map(below)[i % 4] ?? 0)),
    ),
    nested: new Table({
      scores: vectorFromArray(
        column(() => Array.from({ length: below(5) }, () => random())),
        new List(new Field('element', new Float64(), true)),
      ),
    }),
    strings: new Table({
      message: vectorFromArray(
        column(() => text(14)),
        new Utf8(),
      ),
      url: vectorFromArray(
        column(() => text(4)),
        new Utf8(),
      ),
    }),
  }
  return benchNames.map((name) => {
    const [kind = '', codec = ''] = name.split(' ')
    const properties = new WriterPropertiesBuilder()
      .setCompression(codec === 'zstd' ? Compression.ZSTD : Compression.SNAPPY)
      .setMaxRowGroupSize(rowCount)
      .build()
    const table = WasmTable.fromIPCStream(tableToIPC(tables[kind] ?? new Table(), 'stream'))
    return { name, bytes: writeParquet(table, properties) }
  })
}
