import assert from 'node:assert'
import { parentPort, workerData } from 'node:worker_threads'
import { parquetWasmDecoder } from '../../service/decode/parquet-wasm-decoder.ts'
import { serveScans } from '../../service/scan/serve-scans.ts'
import type { WorkerStart } from '../../service/scan/worker-messages.ts'

// A scan worker whose decoder never comes back from files named `hang…`, and traps on files named `trap…`.
assert(parentPort !== null)
const decoder = parquetWasmDecoder()
serveScans(parentPort, workerData as WorkerStart, {
  decode(plan, buffer) {
    while (plan.source.includes('/hang'));
    if (plan.source.includes('/trap')) throw new Error('unreachable')
    return decoder.decode(plan, buffer)
  },
})
