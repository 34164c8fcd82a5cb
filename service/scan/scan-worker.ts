import assert from 'node:assert'
import { parentPort, workerData } from 'node:worker_threads'
import { openDecoder } from '../decode/open-decoder.ts'
import { EngineTally } from './engine-tally.ts'
import { warmUp } from './worker-warm-up.ts'
import { serveScans } from './serve-scans.ts'
import type { WorkerStart } from './worker-messages.ts'

// The entry of a worker thread.
assert(parentPort !== null, 'this file is run by a ScanPool')
const start = workerData as WorkerStart
const tally = new EngineTally()
const { memory, whole: region } = start.memory
const decoder = await openDecoder(start.decoder, tally.add, { memory, region })
warmUp(decoder)
serveScans(parentPort, start, decoder, tally)
