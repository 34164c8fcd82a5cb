// Loaded before the gateway: measures how late its event loop's timers are. "reset" begins anew, "read" answers with
// milliseconds {p50, p99, max}.
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { isMainThread } from 'node:worker_threads'

/** A timer of this period is watched; how long it takes is recorded whole, so the period is taken off. */
const PERIOD_MS = 10

if (isMainThread) {
  const delay = monitorEventLoopDelay({ resolution: PERIOD_MS })
  delay.enable()
  const late = (nanoseconds) => Math.max(0, nanoseconds / 1e6 - PERIOD_MS)
  process.on('message', (message) => {
    const answer = {
      p50: late(delay.percentile(50)),
      p99: late(delay.percentile(99)),
      max: late(delay.max),
    }
    if (message === 'reset') delay.reset()
    process.send(answer)
  })
  // Somebody who listens must not keep the gateway alive.
  process.channel?.unref()
}
