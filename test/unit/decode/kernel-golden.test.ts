import t from 'tap'

import type { Column } from '../../../service/arrow/column.ts'
import { hybridDecoder } from '../../../service/decode/hybrid-decoder.ts'
import { kernelDecoder } from '../../../service/decode/kernel-decoder.ts'
import { loadKernels } from '../../../service/decode/kernel-module.ts'
import { canKernel } from '../../../service/decode/chunk-plan.ts'
import { planRowGroup } from '../../../service/decode/mini-file.ts'
import { parquetWasmDecoder } from '../../../service/decode/parquet-wasm-decoder.ts'
import { GatewayError } from '../../../service/errors.ts'
import { parseFooter } from '../../../service/footers/parse-footer.ts'
import { type Canonical, canonicalRows } from '../../support/canonical-rows.ts'
import { brokenFiles, goldenBytes, goldenNames, goldenRows } from '../../support/golden-files.ts'

const counts = { kernels: 0, fallback: 0 }
const fallback = parquetWasmDecoder()
const decoder = hybridDecoder({
  kernels: kernelDecoder({ module: await loadKernels() }),
  fallback,
  watch: (columns) => {
    counts.kernels += columns.kernels
    counts.fallback +=
      Object.values(columns).reduce((sum, count) => sum + count, 0) - columns.kernels
  },
})

function open(name: string) {
  const bytes = goldenBytes(name)
  const object = { bucket: 'golden', key: `${name}.parquet`, etag: '1', sizeBytes: bytes.length }
  return { bytes, object, footer: parseFooter(bytes, object) }
}

function rowsOf(
  { bytes, object, footer }: ReturnType<typeof open>,
  columnIndexes: number[],
  look: (columns: readonly Column[]) => void = () => {},
): Canonical[][] {
  return Array.from({ length: footer.rowGroupCount }, (_, groupIndex) => {
    const plan = planRowGroup({ footer, object, groupIndex, columnIndexes })
    const buffer = new Uint8Array(plan.bufferBytes + 7).fill(0xaa)
    for (const { start, end, at } of plan.fetches) buffer.set(bytes.subarray(start, end), at)
    const decoded = decoder.decode(plan, buffer)
    look(decoded.columns)
    const rows = canonicalRows(decoded.columns)
    decoded.release()
    return rows
  }).flat()
}

for (const name of goldenNames()) {
  t.test(`${name} decodes to its rows by kernels, where they may`, async (t) => {
    const file = open(name)
    const { columns } = file.footer
    const expected = goldenRows(name)
    const all = [...columns.keys()]
    t.strictSame(
      rowsOf(file, all, (decoded) => {
        t.equal(decoded.length, columns.length)
      }),
      expected,
    )
    for (const index of all) {
      const alone = rowsOf(file, [index], ([column]) => {
        t.match(column?.type, { kind: columns[index]?.field.type.kind })
      })
      t.strictSame(
        alone,
        expected.map((row) => [row[index]]),
        columns[index]?.field.name ?? '',
      )
    }
    const fallen = columns.filter(({ leafStart, field }) => {
      const leaf = file.footer.leaves[leafStart]
      if (leaf === undefined || file.footer.rowGroupCount === 0) return false
      return !canKernel(leaf, file.footer.chunk(0, leafStart), field)
    })
    if (fallen.length > 0) {
      t.comment(
        `by parquet-wasm: ${fallen.map(({ field }) => `${field.name} (${field.type.kind})`).join(', ')}`,
      )
    }
  })
}

for (const [name, codes] of brokenFiles()) {
  t.test(`broken/${name} is a typed error`, async (t) => {
    try {
      const file = open(`broken/${name}`)
      rowsOf(file, [...file.footer.columns.keys()])
      t.fail('it gave rows')
    } catch (error) {
      if (!(error instanceof GatewayError)) throw error
      t.ok(codes.includes(error.code), `${error.code}: ${error.message}`)
      t.match(error.message, `golden/broken/${name}.parquet`)
    }
  })
}

t.test('most columns are for the kernels', async (t) => {
  t.comment(JSON.stringify(counts))
  t.ok(counts.kernels > counts.fallback * 2)
})
