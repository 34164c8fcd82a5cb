/** How far reading may run ahead of decoding. */
export interface ReadAheadLimits {
  /** Row groups that are being read or wait to be decoded. */
  readonly countMax: number
  /** Bytes of them; the one that passes this is the last to begin. */
  readonly bytesMax: number
}

/** Limits that begin with one row group. */
export interface GrowingReadAhead extends ReadAheadLimits {
  /** What was read did not end the scan. */
  grow(): void
}

/** After three row groups that were not enough, as far ahead as any scan: a limit that is far off costs two round trips. */
const GROWTH = 2

/** For a scan that its next row group may end: what is read ahead of it may be in vain. */
export function growingReadAhead({ countMax, bytesMax }: ReadAheadLimits): GrowingReadAhead {
  let count = 1
  return {
    bytesMax,
    get countMax() {
      return count
    },
    grow() {
      count = Math.min(countMax, count * GROWTH)
    },
  }
}

/** How to read one input. */
export interface Reading<Input, Output> {
  readonly bytesOf: (input: Input) => number
  readonly start: (input: Input, signal: AbortSignal) => Promise<Output>
  /** Takes back what was read and will not be used. */
  readonly discard: (output: Output) => void
}

interface UnderWay<Output> {
  readonly bytes: number
  readonly output: Promise<Output>
}

/**
 * Reads in order, some ahead of the one that is waited for. Inputs that have not come yet hold nothing up. When the
 * consumer leaves, reads under way are aborted and what they brought is discarded.
 */
export async function* readAhead<Input, Output>(
  inputs: AsyncIterable<Input>,
  reading: Reading<Input, Output>,
  limits: ReadAheadLimits,
  signal: AbortSignal,
): AsyncGenerator<Output, void, undefined> {
  const left = new AbortController()
  const both = AbortSignal.any([signal, left.signal])
  const iterator = inputs[Symbol.asyncIterator]()
  const underWay: UnderWay<Output>[] = []
  let arriving: Promise<IteratorResult<Input>> | undefined
  let isEnded = false

  const begin = (input: Input) => {
    const output = reading.start(input, both)
    // A failure is seen when its turn comes; until then it must not count as unhandled.
    output.catch(() => {})
    underWay.push({ bytes: reading.bytesOf(input), output })
  }
  const hasRoom = () =>
    underWay.length < limits.countMax &&
    underWay.reduce((sum, { bytes }) => sum + bytes, 0) < limits.bytesMax

  try {
    for (;;) {
      while (!isEnded && hasRoom()) {
        arriving ??= iterator.next()
        const arrived = await Promise.race([arriving, settled(underWay[0])])
        if (arrived === undefined) break
        arriving = undefined
        if (arrived.done === true) isEnded = true
        else begin(arrived.value)
      }
      const next = underWay.shift()
      if (next === undefined) return
      yield await next.output
    }
  } finally {
    left.abort()
    for (const { output } of underWay) output.then(reading.discard, () => {})
    arriving?.catch(() => {})
    iterator.return?.().catch(() => {})
  }
}

/** Resolves when the read is over, well or badly; never when there is none. */
function settled(first: UnderWay<unknown> | undefined): Promise<undefined> {
  if (first === undefined) return new Promise(() => {})
  return first.output.then(
    () => undefined,
    () => undefined,
  )
}
