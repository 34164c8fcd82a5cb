/**
 * Zones inside packed timestamps: `milliseconds << 12 | key`, Presto's encoding. Key 0 is UTC, 1 to 1680 are
 * offsets from -14:00 to +14:00 by the minute, 1681 to 2228 are names in a frozen table that is not repeated here.
 */
const zoneBits = 12n
const offsetMinutesMax = 840
const namedZoneMax = 2228
/** Numbers of the frozen table that were never given. */
const unusedKeys: ReadonlySet<number> = new Set([2040, 2180, 2186, 2196])

/** Milliseconds since the epoch. */
export function packedMilliseconds(packed: bigint): bigint {
  return packed >> zoneBits
}

export function packedZoneKey(packed: bigint): number {
  return Number(packed & ((1n << zoneBits) - 1n))
}

/** A packed value in UTC. */
export function packUtc(milliseconds: bigint): bigint {
  return milliseconds << zoneBits
}

/** `UTC`, `+05:30`, or `zone 2054` for a named zone; undefined for a key that does not exist. */
export function zoneName(key: number): string | undefined {
  if (key === 0) return 'UTC'
  if (key <= 2 * offsetMinutesMax) {
    const minutes = key <= offsetMinutesMax ? key - offsetMinutesMax - 1 : key - offsetMinutesMax
    const distance = Math.abs(minutes)
    return `${minutes < 0 ? '-' : '+'}${twoDigits(Math.floor(distance / 60))}:${twoDigits(distance % 60)}`
  }
  return key <= namedZoneMax && !unusedKeys.has(key) ? `zone ${key}` : undefined
}

function twoDigits(value: number): string {
  return String(value).padStart(2, '0')
}
