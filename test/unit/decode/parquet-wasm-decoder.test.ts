import { Worker } from 'node:worker_threads'

import t from 'tap'

import { planRowGroup } from '../../../service/decode/mini-file.ts'
import { parquetWasmDecoder } from '../../../service/decode/parquet-wasm-decoder.ts'
import { GatewayError } from '../../../service/errors.ts'
import { parseFooter } from '../../../service/footers/parse-footer.ts'
import { bareType } from '../../support/bare-type.ts'
import { goldenBytes } from '../../support/golden-files.ts'
import { type BuiltNode, emptyParquet } from '../../support/parquet-builder.ts'

const decoder = parquetWasmDecoder()

function randomOf(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
}

function planOf(bytes: Uint8Array, groupIndex = 0) {
  const object = { bucket: 'b', key: 'k', etag: '1', sizeBytes: bytes.length }
  const footer = parseFooter(bytes, object)
  const columnIndexes = [...footer.columns.keys()]
  const plan = planRowGroup({ footer, object, groupIndex, columnIndexes })
  const buffer = new Uint8Array(plan.bufferBytes)
  for (const { start, end, at } of plan.fetches) buffer.set(bytes.subarray(start, end), at)
  return { footer, plan, buffer }
}

/** A random schema node: every physical type, every converted type, groups of every shape. */
function randomNode(random: (below: number) => number, depth: number): BuiltNode {
  const repetition =
    (['required', 'optional', 'optional', 'repeated'] as const)[random(4)] ?? 'required'
  const names = ['list', 'array', 'element', 'x_tuple', 'x', 'key_value', 'key']
  const name = names[random(names.length)] ?? 'x'
  if (depth === 0 || random(3) === 0) {
    const type = random(8)
    const converted = random(3) === 0 ? {} : { converted: random(22) }
    const typeLength = type === 7 ? { typeLength: 1 + random(20) } : {}
    return {
      name,
      repetition,
      type,
      ...converted,
      ...typeLength,
      precision: 1 + random(2),
      scale: 1,
    }
  }
  const children = Array.from({ length: 1 + random(2) }, () => randomNode(random, depth - 1))
  const converted = [{}, { converted: 3 }, { converted: 1 }, { converted: 2 }][random(4)]
  return { name, repetition, children, ...converted }
}

t.test('the footer promises the types that the decoder gives, whatever the schema', async (t) => {
  const random = randomOf(3)
  let agreed = 0
  for (let round = 0; round < 3000; round++) {
    const column = { ...randomNode(random, 4), name: 'x' }
    const { footer, plan, buffer } = planOf(emptyParquet({ columns: [column], rowGroupCount: 1 }))
    const context = JSON.stringify(column)
    try {
      const decoded = decoder.decode(plan, buffer)
      const given = JSON.stringify(bareType(decoded.columns[0]?.type))
      decoded.release()
      const promised = JSON.stringify(bareType(footer.columns[0]?.field.type))
      if (given === promised) agreed++
      else t.same(given, promised, context)
    } catch (error) {
      if (!(error instanceof GatewayError)) throw error
      t.fail(`${error.message} ${context}`)
    }
  }
  t.equal(agreed, 3000)
})

t.test('damaged pages are typed errors or rows, and the decoder goes on', async (t) => {
  const random = randomOf(11)
  const names = [
    'codec_gzip',
    'codec_zstd',
    'codec_lz4',
    'lists',
    'pages_v2',
    'strings',
    'encoding_delta_byte_array',
  ]
  const whole = names.map((name) => planOf(goldenBytes(name)))
  let refused = 0
  let trapped = 0
  for (let round = 0; round < 700; round++) {
    const file = whole[round % whole.length]
    if (file === undefined) continue
    const buffer = Uint8Array.from(file.buffer)
    for (let change = random(3); change >= 0; change--) {
      buffer[4 + random(file.plan.tailAt - 4)] = random(256)
    }
    try {
      decoder.decode(file.plan, buffer).release()
    } catch (error) {
      if (error instanceof GatewayError) refused++
      else if (error instanceof Error && error.name === 'RuntimeError') trapped++
      else throw error
    }
  }
  t.ok(refused > 100, `${refused} of 700 refused`)
  t.ok(trapped < 35, `${trapped} of 700 trapped`)
  for (const { plan, buffer } of whole) decoder.decode(plan, buffer).release()
})

t.test('memory is given back on release, and lent once at a time', async (t) => {
  const { plan, buffer } = planOf(goldenBytes('codec_zstd'))
  const first = decoder.decode(plan, buffer)
  t.throws(() => decoder.decode(plan, buffer), { code: 'ERR_ASSERTION' })
  const memory = first.columns[0]?.values?.buffer
  first.release()
  first.release()
  for (let round = 0; round < 500; round++) decoder.decode(plan, buffer).release()
  const last = decoder.decode(plan, buffer)
  t.equal(last.columns[0]?.values?.buffer, memory, 'the memory did not grow')
  last.release()
})

t.test('no columns are rows all the same', async (t) => {
  const bytes = goldenBytes('codec_none')
  const object = { bucket: 'b', key: 'k', etag: '1', sizeBytes: bytes.length }
  const footer = parseFooter(bytes, object)
  const plan = planRowGroup({ footer, object, groupIndex: 0, columnIndexes: [] })
  const decoded = decoder.decode(plan, new Uint8Array(plan.bufferBytes))
  t.equal(decoded.rowCount, footer.rowGroup(0).rowCount)
  t.strictSame(decoded.columns, [])
  decoded.release()
})

t.test('a worker thread has a decoder of its own', async (t) => {
  const { plan, buffer } = planOf(goldenBytes('codec_snappy'))
  const url = new URL('../../../service/decode/parquet-wasm-decoder.ts', import.meta.url)
  const worker = new Worker(
    `const { parentPort, workerData } = require('node:worker_threads')
     const load = async () => {
       const { register } = await import('tsx/esm/api')
       register()
       return import(workerData.url)
     }
     load().then(({ parquetWasmDecoder }) => {
       const decoded = parquetWasmDecoder().decode(workerData.plan, workerData.buffer)
       parentPort.postMessage(decoded.rowCount)
     })`,
    { eval: true, workerData: { url: url.href, plan, buffer } },
  )
  t.teardown(async () => worker.terminate())
  const rowCount = await new Promise((resolve, reject) => {
    worker.once('message', resolve)
    worker.once('error', reject)
  })
  t.equal(rowCount, plan.rowCount)
})
