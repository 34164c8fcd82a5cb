import t from 'tap'

import type { Column } from '../../../service/arrow/column.ts'
import type { Decoder } from '../../../service/decode/decoder.ts'
import { hybridDecoder } from '../../../service/decode/hybrid-decoder.ts'
import { kernelDecoder } from '../../../service/decode/kernel-decoder.ts'
import { loadKernels } from '../../../service/decode/kernel-module.ts'
import { planRowGroup } from '../../../service/decode/mini-file.ts'
import { parquetWasmDecoder } from '../../../service/decode/parquet-wasm-decoder.ts'
import { GatewayError } from '../../../service/errors.ts'
import { parseFooter } from '../../../service/footers/parse-footer.ts'
import { canonicalRows } from '../../support/canonical-rows.ts'
import { describeNested, generateNested } from '../../support/nested-chunks.ts'
import { nestedDifference } from '../../support/nested-values.ts'

const FILES = 3000

t.setTimeout(300_000)

const fallback = parquetWasmDecoder()
let byKernels = 0
const decoder = hybridDecoder({
  kernels: kernelDecoder({ module: await loadKernels() }),
  fallback,
  watch: ({ kernels }) => {
    byKernels += Number(kernels > 0)
  },
})

/** What `look` says of the decoded column, or the error. */
function decoded<T>(engine: Decoder, bytes: Uint8Array, look: (column: Column) => T): T | string {
  const object = { bucket: 'test', key: 'nested', etag: '1', sizeBytes: bytes.length }
  try {
    const footer = parseFooter(bytes, object)
    const plan = planRowGroup({ footer, object, groupIndex: 0, columnIndexes: [0] })
    const buffer = new Uint8Array(plan.bufferBytes + 5).fill(0xa5)
    for (const { start, end, at } of plan.fetches) buffer.set(bytes.subarray(start, end), at)
    const group = engine.decode(plan, buffer)
    const [column] = group.columns
    const answer = column === undefined ? 'no column' : look(column)
    group.release()
    return answer
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error
    return `${error.code}: ${error.message}`
  }
}

t.test(
  `${FILES} generated nested columns come out as they were written, as from parquet-wasm`,
  async (t) => {
    let wrong = 0
    let asked = 0
    for (let seed = 0; seed < FILES; seed++) {
      const file = generateNested(seed)
      const { shape, rows, bytes } = file
      if (shape.kind !== 'leaf') asked++
      const ours = decoded(decoder, bytes, (column) => ({
        found: nestedDifference(shape, rows, column),
        rows: JSON.stringify(canonicalRows([column])),
      }))
      const theirs = decoded(fallback, bytes, (column) => JSON.stringify(canonicalRows([column])))
      const isRight = typeof ours !== 'string' && ours.found === '' && ours.rows === theirs
      if (isRight || wrong++ > 5) continue
      const found = typeof ours === 'string' ? ours : ours.found
      t.fail(`${seed}: ${found} (${describeNested(file)})`)
    }
    t.equal(wrong, 0)
    t.ok(byKernels >= asked, `${byKernels} by kernels`)
  },
)
