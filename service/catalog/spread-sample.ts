/** A sample of a sequence whose length is not known: at most so many items, spread evenly. */
export interface SpreadSample<Item> {
  add(item: Item): void
  /** In the order of the sequence. */
  items(): readonly Item[]
}

/**
 * Keeps the items with the lowest and the highest rank (of equals the first) and evenly spread others; the
 * same sequence gives the same sample. Memory: three times the sample.
 */
export function spreadSample<Item>(
  itemsMax: number,
  rankOf: (item: Item) => number,
): SpreadSample<Item> {
  let kept: Placed<Item>[] = []
  let [count, stride] = [0, 1]
  let lowest: Placed<Item> | undefined
  let highest: Placed<Item> | undefined
  return {
    add(item) {
      const placed = { item, at: count, rank: rankOf(item) }
      if (!lowest || placed.rank < lowest.rank) lowest = placed
      if (!highest || placed.rank > highest.rank) highest = placed
      if (count % stride === 0) kept.push(placed)
      if (kept.length > 2 * itemsMax) {
        kept = kept.filter((_, index) => index % 2 === 0)
        stride *= 2
      }
      count += 1
    },
    items() {
      const ends = [lowest, highest].filter((placed) => placed !== undefined)
      const withEnds = (spread: readonly Placed<Item>[]) =>
        new Map([...spread, ...ends].map((placed) => [placed.at, placed]))
      let spreadMax = Math.max(itemsMax, 0)
      let chosen = withEnds(evenly(kept, spreadMax))
      // The ends may be among the spread ones already, or take the places of two.
      while (chosen.size > itemsMax && spreadMax > 0) {
        spreadMax -= 1
        chosen = withEnds(evenly(kept, spreadMax))
      }
      return [...chosen.values()]
        .toSorted((left, right) => left.at - right.at)
        .map(({ item }) => item)
    },
  }
}

interface Placed<Item> {
  readonly item: Item
  readonly at: number
  readonly rank: number
}

/** So many of the items, the first always, at equal distances. */
function evenly<Item>(items: readonly Item[], count: number): readonly Item[] {
  if (items.length <= count) return items
  return Array.from({ length: count }, (_, index) => Math.floor((index * items.length) / count))
    .map((at) => items[at])
    .filter((item) => item !== undefined)
}
