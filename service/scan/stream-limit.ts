import { GatewayError } from '../errors.ts'
import type { Frame } from './frame.ts'
import type { ScanRun } from './scan-job.ts'

/** Reads at the same time, of all callers at all doors: far more than a gateway serves well. */
const STREAMS_MAX = 1_000

/** Of the memory for scans; beside it, a read that waits holds its call, signals and queues: 100 KB, measured. */
const BYTES_PER_STREAM = 1 << 20

/** What `busy` tells the caller to wait: reads of a gateway end by the second. An estimate. */
const RETRY_AFTER_MS = 2_000

/** How many reads a gateway with so much memory for scans takes at the same time. */
export function streamsMaxOf(memoryBytes: number): number {
  return Math.min(STREAMS_MAX, Math.floor(memoryBytes / BYTES_PER_STREAM))
}

/** Runs scans as long as there are not too many of them: whoever comes then is told `busy` when it wants its first frame. */
export function limitStreams<Wish>(
  scan: (wish: Wish, signal: AbortSignal) => ScanRun,
  streamsMax: number,
): (wish: Wish, signal: AbortSignal) => ScanRun {
  let running = 0
  async function* counted(frames: AsyncIterable<Frame>) {
    if (running >= streamsMax) throw busy(streamsMax)
    running += 1
    try {
      yield* frames
    } finally {
      running -= 1
    }
  }
  return (wish, signal) => {
    const run = scan(wish, signal)
    return {
      frames: counted(run.frames),
      get receipt() {
        return run.receipt
      },
    }
  }
}

function busy(streamsMax: number): GatewayError {
  return new GatewayError(
    'busy',
    `this gateway reads ${streamsMax} splits at the same time, which is its limit; try again later, or another gateway`,
    { retryAfterMs: RETRY_AFTER_MS },
  )
}
