import t from 'tap'

import type { Column } from '../../service/arrow/column.ts'
import { type EngineCounts, noChunks } from '../../service/decode/engine-counts.ts'
import { decoderEngines } from '../../service/decode/decoder-engine.ts'
import type { DecodedRowGroup, Decoder } from '../../service/decode/decoder.ts'
import { canInflate } from '../../service/decode/kernel-inflate.ts'
import { planRowGroup } from '../../service/decode/mini-file.ts'
import { openDecoder } from '../../service/decode/open-decoder.ts'
import { GatewayError } from '../../service/errors.ts'
import type { Footer } from '../../service/footers/footer.ts'
import { parseFooter } from '../../service/footers/parse-footer.ts'
import { bareType } from '../support/bare-type.ts'
import { type Canonical, canonicalRows } from '../support/canonical-rows.ts'
import { brokenFiles, goldenBytes, goldenNames, goldenRows, goldenSchema } from '../support/golden-files.ts'

interface GoldenFile {
  readonly name: string
  readonly decoder: Decoder
  readonly bytes: Uint8Array
  readonly footer: Footer
}

function open(name: string, decoder: Decoder): GoldenFile {
  const bytes = goldenBytes(name)
  return { name, decoder, bytes, footer: parseFooter(bytes, objectOf(name, bytes)) }
}

function objectOf(name: string, bytes: Uint8Array) {
  return { bucket: 'golden', key: `${name}.parquet`, etag: '1', sizeBytes: bytes.length }
}

/** Fetches exactly what the plan asks for into a buffer full of junk, and decodes it. */
function decode(file: GoldenFile, groupIndex: number, columnIndexes: number[]): DecodedRowGroup {
  const { bytes, decoder, footer, name } = file
  const plan = planRowGroup({ footer, object: objectOf(name, bytes), groupIndex, columnIndexes })
  const buffer = new Uint8Array(plan.bufferBytes + 7).fill(0xaa)
  for (const { start, end, at } of plan.fetches) buffer.set(bytes.subarray(start, end), at)
  return decoder.decode(plan, buffer)
}

function sumOf(a: EngineCounts, b: EngineCounts): EngineCounts {
  return {
    kernels: a.kernels + b.kernels,
    nested: a.nested + b.nested,
    codec: a.codec + b.codec,
    type: a.type + b.type,
    encoding: a.encoding + b.encoding,
    forced: a.forced + b.forced,
  }
}

function rowsOf(
  file: GoldenFile,
  columnIndexes: number[],
  look: (column: Column, index: number) => void = () => {},
): Canonical[][] {
  const groups = Array.from({ length: file.footer.rowGroupCount }, (_, group) => group)
  return groups.flatMap((group) => {
    const decoded = decode(file, group, columnIndexes)
    decoded.columns.forEach(look)
    const rows = canonicalRows(decoded.columns)
    decoded.release()
    return rows
  })
}

let counts: EngineCounts = noChunks

for (const engine of decoderEngines) {
  const decoder = await openDecoder(engine, (more) => {
    counts = sumOf(counts, more)
  })
for (const name of goldenNames()) {
  t.test(`${engine}: ${name} decodes to its rows, whole and column by column`, async (t) => {
    const file = open(name, decoder)
    const { columns } = file.footer
    const all = columns.map((_, index) => index)
    const expected = goldenRows(name)
    t.strictSame(
      columns.map((column) => column.field.name),
      goldenSchema(name).columns.map((column) => column.name),
    )
    t.strictSame(
      columns.map((column) => column.field.nullable),
      goldenSchema(name).columns.map((column) => column.nullable),
    )
    const whole = rowsOf(file, all, (column, index) => {
      t.strictSame(bareType(column.type), bareType(columns[index]?.field.type), `${columns[index]?.field.name} is of the promised type`)
    })
    t.strictSame(whole, expected)
    for (const index of all) {
      const alone = rowsOf(file, [index])
      if (JSON.stringify(alone) !== JSON.stringify(whole.map((row) => [row[index]]))) {
        t.fail(`${columns[index]?.field.name} alone differs`)
      }
    }
  })
}

for (const [name, codes] of brokenFiles()) {
  t.test(`${engine}: broken/${name} is a typed error`, async (t) => {
    const attempt = (): void => {
      const file = open(`broken/${name}`, decoder)
      rowsOf(file, [...file.footer.columns.keys()])
    }
    try {
      attempt()
      t.fail('it gave rows')
    } catch (error) {
      if (!(error instanceof GatewayError)) throw error
      t.comment(error.message)
      t.ok(codes.includes(error.code), `${error.code}: ${error.message}`)
      t.match(error.message, `golden/broken/${name}.parquet`)
    }
  })
}
}

/** Golden files of which parquet-wasm decodes a part: how many column chunks, and why. Shorter is better. */
const fallen: Readonly<Record<string, Partial<EngineCounts>>> = {
  by_polars: { codec: 24 },
  codec_zstd: { codec: 16 },
  dictionaries: { type: 3 },
  lists: { nested: 3 },
  nulls: { type: 3 },
  pages_v2: { codec: 16 },
  strings: { type: 3 },
}

/** The codec that keeps files from the kernels is zstd, which Node has from 22.15 on. */
const hasZstd = canInflate('zstd')

t.test('these golden files fall back, and no others', async (t) => {
  const decoder = await openDecoder('auto', (more) => {
    counts = sumOf(counts, more)
  })
  let whole = 0
  for (const name of goldenNames()) {
    counts = noChunks
    const file = open(name, decoder)
    rowsOf(file, [...file.footer.columns.keys()])
    const { kernels, ...others } = counts
    const { codec = 0, ...expected } = fallen[name] ?? {}
    t.strictSame(others, { nested: 0, type: 0, encoding: 0, forced: 0, codec: hasZstd ? 0 : codec, ...expected }, name)
    const reasons = Object.entries(others).filter(([, chunks]) => chunks > 0)
    if (reasons.length === 0) whole++
    else t.comment(`${name}: ${kernels} by kernels; ${reasons.map(([reason, chunks]) => `${chunks} ${reason}`).join(', ')}`)
  }
  t.comment(`${whole} of ${goldenNames().length} files by kernels alone`)
})
