import assert from 'node:assert'
import { parentPort, workerData } from 'node:worker_threads'
import { parquetWasmDecoder } from '../decode/parquet-wasm-decoder.ts'
import { warmUp } from './worker-warm-up.ts'
import { serveScans } from './serve-scans.ts'
import type { WorkerStart } from './worker-messages.ts'

// The entry of a worker thread.
assert(parentPort !== null, 'this file is run by a ScanPool')
const decoder = parquetWasmDecoder()
warmUp(decoder)
serveScans(parentPort, workerData as WorkerStart, decoder)
