/**
 * Maps in order, with so many calls under way ahead of the one that is waited for. When one fails or the
 * consumer leaves, the others are aborted.
 */
export async function* mapAhead<Input, Output>(
  inputs: AsyncIterable<Input> | Iterable<Input>,
  aheadMax: number,
  map: (input: Input, signal: AbortSignal) => Promise<Output>,
  signal: AbortSignal,
): AsyncGenerator<Output> {
  const left = new AbortController()
  const both = AbortSignal.any([signal, left.signal])
  const underWay: Promise<Output>[] = []
  try {
    for await (const input of inputs) {
      const output = map(input, both)
      // A failure is seen when its turn comes; until then it must not count as unhandled.
      output.catch(() => {})
      underWay.push(output)
      const next = underWay.length >= aheadMax ? underWay.shift() : undefined
      if (next) yield await next
    }
    while (underWay.length > 0) {
      const next = underWay.shift()
      if (next) yield await next
    }
  } finally {
    left.abort()
  }
}
