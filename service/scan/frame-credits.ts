import { GatewayError } from '../errors.ts'
import type { MemorySource } from './frame-memory.ts'
import type { MemoryRun } from './memory-units.ts'

/**
 * One scan's share of a memory: no more than so many runs at once, so that a reader who stalls does not hold
 * what others wait for; and while it holds one, none of what is kept for those who hold none. One call at a time.
 */
export function withFrameCredits(memory: MemorySource, runsMax: number): MemorySource {
  let held = 0
  let wake: (() => void) | undefined

  const credit = (signal: AbortSignal): Promise<void> =>
    new Promise((resolve, reject) => {
      if (signal.aborted) return reject(GatewayError.from(signal.reason))
      if (held < runsMax) return resolve()
      const aborted = () => reject(GatewayError.from(signal.reason))
      signal.addEventListener('abort', aborted, { once: true })
      wake = () => {
        signal.removeEventListener('abort', aborted)
        resolve()
      }
      return undefined
    })

  return {
    async allocate(lengthBytes, signal) {
      await credit(signal)
      const run = await memory.allocate(lengthBytes, signal, () => held === 0)
      held++
      let isHeld = true
      const release = () => {
        if (!isHeld) return
        isHeld = false
        held--
        run.release()
        wake?.()
        wake = undefined
      }
      return { bytes: run.bytes, release } satisfies MemoryRun
    },
  }
}
