import assert from 'node:assert'
import { parentPort, workerData } from 'node:worker_threads'
import { parquetWasmDecoder } from '../../service/decode/parquet-wasm-decoder.ts'
import { serveScans } from '../../service/scan/serve-scans.ts'
import type { WorkerStart } from '../../service/scan/worker-messages.ts'

// A scan worker whose decoder traps on files named `trap…`, and whose thread ends in the midst of files named `die…`.
assert(parentPort !== null)
const decoder = parquetWasmDecoder()
serveScans(parentPort, workerData as WorkerStart, {
  decode(plan, buffer) {
    if (plan.source.includes('/trap')) throw new Error('unreachable')
    if (plan.source.includes('/die')) process.exit(7)
    return decoder.decode(plan, buffer)
  },
})
