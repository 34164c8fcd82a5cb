import t from 'tap'

import { canKernel, chunkPlan } from '../../../service/decode/chunk-plan.ts'
import { kernelDecoder } from '../../../service/decode/kernel-decoder.ts'
import { loadKernels } from '../../../service/decode/kernel-module.ts'
import { planRowGroup } from '../../../service/decode/mini-file.ts'
import type { FileColumn, Footer } from '../../../service/footers/footer.ts'
import { parseFooter } from '../../../service/footers/parse-footer.ts'
import { type Canonical, canonicalValue } from '../../support/canonical-rows.ts'
import { goldenBytes, goldenNames, goldenRows } from '../../support/golden-files.ts'

const decoder = kernelDecoder({ module: await loadKernels() })

for (const name of goldenNames()) {
  t.test(`${name} decodes to its rows by kernels, where they may`, async (t) => {
    const bytes = goldenBytes(name)
    const object = { bucket: 'golden', key: name, etag: '1', sizeBytes: bytes.length }
    const footer = parseFooter(bytes, object)
    const expected = goldenRows(name)
    const fallen = new Set<string>()
    let firstRow = 0
    for (let groupIndex = 0; groupIndex < footer.rowGroupCount; groupIndex++) {
      const { rowCount } = footer.rowGroup(groupIndex)
      for (const [columnIndex, column] of footer.columns.entries()) {
        if (!isForKernels(footer, groupIndex, column)) {
          fallen.add(`${column.field.name} (${column.field.type.kind})`)
          continue
        }
        const request = { footer, object, groupIndex, columnIndexes: [columnIndex] }
        const plan = planRowGroup(request)
        const buffer = new Uint8Array(plan.bufferBytes).fill(0xaa)
        for (const { start, end, at } of plan.fetches) buffer.set(bytes.subarray(start, end), at)
        const chunk = chunkPlan(footer, groupIndex, column, plan.fetches)
        if (chunk === undefined) {
          t.fail(`${column.field.name} has no plan`)
          continue
        }
        const decoded = decoder.decode({ source: name, rowCount, chunks: [chunk] }, buffer)
        const [result] = decoded.columns
        if (result === undefined) throw new Error('no column')
        const values: Canonical[] = []
        for (let row = 0; row < rowCount; row++) values.push(canonicalValue(result, row))
        t.strictSame(
          values,
          expected.slice(firstRow, firstRow + rowCount).map((row) => row[columnIndex]),
          column.field.name,
        )
        t.strictSame(result.type, column.field.type)
        t.equal(result.nullCount, values.filter((value) => value === null).length)
        decoded.release()
      }
      firstRow += rowCount
    }
    if (fallen.size > 0) t.comment(`not for kernels: ${[...fallen].join(', ')}`)
  })
}

function isForKernels(footer: Footer, groupIndex: number, column: FileColumn): boolean {
  const leaf = footer.leaves[column.leafStart]
  if (leaf === undefined) return false
  return canKernel(leaf, footer.chunk(groupIndex, column.leafStart), column.field)
}
