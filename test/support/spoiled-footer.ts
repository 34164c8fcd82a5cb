import type { ArrowType } from '../../service/arrow/arrow-type.ts'
import type { Footer, RawStatistics } from '../../service/footers/footer.ts'
import { pick } from './random-table.ts'

type Spoil = (statistics: RawStatistics, type: ArrowType) => RawStatistics

const nonsense = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8)
const isText = ({ kind }: ArrowType) => kind.includes('utf8') || kind === 'binary'

/** What writers do to statistics, rightly or not; nobody who reads them with care is misled. */
const spoils: readonly Spoil[] = [
  (statistics) => statistics,
  // Bounds left out.
  (statistics) => withBounds(statistics, undefined, statistics.max),
  (statistics) => withBounds(statistics, statistics.min, undefined),
  // Text cut after a byte, the maximum raised.
  (statistics, type) => (isText(type) ? cut(statistics) : statistics),
  // Impossible numbers of nulls.
  (statistics) => ({ ...statistics, nullCount: 1_000_000 }),
  (statistics) => ({ ...statistics, nullCount: -1 }),
  // Bounds the wrong way round, when they differ.
  (statistics) => withBounds(statistics, statistics.max, statistics.min),
  // Old fields, whose order is that of signed bytes: anything may stand there.
  (statistics, type) =>
    isText(type) || (type.kind === 'int' && !type.signed)
      ? { ...statistics, min: nonsense, max: nonsense, deprecated: true }
      : { ...statistics, deprecated: true },
  // NaN among the bounds.
  (statistics, type) => (type.kind === 'float' ? withNaN(statistics, type.bitWidth) : statistics),
  // Bounds of another length.
  (statistics, type) =>
    isText(type) || type.kind === 'decimal'
      ? statistics
      : { ...statistics, min: Uint8Array.of(9, 9, 9), max: Uint8Array.of(1, 1, 1) },
]

/** The same footer with statistics as other writers would have left them. */
export function spoiledFooter(footer: Footer, random: () => number): Footer {
  const types = footer.columns.map(({ field }) => field.type)
  const chosen = new Map<string, RawStatistics | undefined>()
  const statistics = (groupIndex: number, leafIndex: number) => {
    const key = `${groupIndex} ${leafIndex}`
    if (chosen.has(key)) return chosen.get(key)
    const honest = footer.statistics(groupIndex, leafIndex)
    const type = types[footer.leaves[leafIndex]?.columnIndex ?? 0]
    const spoiled = honest && type && pick(random, spoils)(honest, type)
    chosen.set(key, spoiled)
    return spoiled
  }
  return Object.assign(Object.create(footer) as Footer, { statistics })
}

function withBounds(
  { nullCount, minExact, maxExact, deprecated }: RawStatistics,
  min: Uint8Array | undefined,
  max: Uint8Array | undefined,
): RawStatistics {
  return {
    minExact,
    maxExact,
    deprecated,
    ...(nullCount !== undefined && { nullCount }),
    ...(min && { min }),
    ...(max && { max }),
  }
}

function cut(statistics: RawStatistics): RawStatistics {
  const { min, max, ...rest } = statistics
  const raised =
    max && max.length > 1 && (max[0] ?? 0) < 0xff ? Uint8Array.of((max[0] ?? 0) + 1) : max
  return {
    ...rest,
    ...(min && { min: min.subarray(0, 1), minExact: false }),
    ...(raised && { max: raised, maxExact: raised === max }),
  }
}

function withNaN(statistics: RawStatistics, bitWidth: number): RawStatistics {
  const bytes = Buffer.alloc(bitWidth / 8)
  if (bitWidth === 32) bytes.writeFloatLE(NaN)
  else bytes.writeDoubleLE(NaN)
  return { ...statistics, max: bytes }
}
