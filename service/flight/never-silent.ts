import type { Frame } from '../scan/frame.ts'

/** Proxies end streams that say nothing, the strictest known after 60 seconds. */
export const SILENCE_MAX_MS = 15_000

export interface NeverSilentOptions {
  /** What is said instead of nothing: a batch of no rows, which every client skips. */
  readonly filler: () => Frame
  readonly silenceMaxMs: number
}

/**
 * The frames, with fillers between them while they let their reader wait: a filter that nothing matches may read for
 * minutes. A reader that does not ask gets none.
 */
export async function* neverSilent(
  frames: AsyncIterable<Frame>,
  { filler, silenceMaxMs }: NeverSilentOptions,
): AsyncGenerator<Frame> {
  const iterator = frames[Symbol.asyncIterator]()
  try {
    for (;;) {
      const next = iterator.next()
      for (;;) {
        const result = await within(next, silenceMaxMs)
        if (result === undefined) yield filler()
        else if (result.done === true) return
        else {
          yield result.value
          break
        }
      }
    }
  } finally {
    await iterator.return?.()
  }
}

/** Undefined when it takes longer; it goes on then. */
async function within<Result>(
  promise: Promise<Result>,
  timeoutMs: number,
): Promise<Result | undefined> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), timeoutMs)
  })
  try {
    return await Promise.race([promise, late])
  } finally {
    clearTimeout(timer)
  }
}
