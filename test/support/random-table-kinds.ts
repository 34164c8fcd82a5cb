import type { DataType } from 'apache-arrow'
import {
  Binary,
  Bool,
  DateDay,
  DateMillisecond,
  Decimal,
  FixedSizeBinary,
  Float32,
  Float64,
  Int16,
  Int32,
  Int64,
  Int8,
  LargeUtf8,
  TimestampMicrosecond,
  TimestampMillisecond,
  TimestampNanosecond,
  TimeMicrosecond,
  Uint16,
  Uint32,
  Uint64,
  Uint8,
  Utf8,
} from 'apache-arrow'
import type { Cell } from './oracle.ts'
import { byteText } from './oracle.ts'
import type { Raw } from './random-table-data.ts'

/** A kind of column: how files store it, how Athena sees it, and a few values that files hold. */
export interface ColumnKind {
  /** Of a field inside structs its path, joined by dots. */
  readonly name: string
  readonly fileType: DataType
  /** Null: Athena sees an array. */
  readonly doorType: DataType | null
  readonly pool: readonly Raw[]
  /** What Athena sees of a stored value. */
  readonly seen: (raw: Raw) => Cell
  /** The same in Athena's storage, for constants. */
  readonly constant: (cell: Exclude<Cell, null>, random: () => number) => Raw
  /** Files have its 12 bytes as INT96. */
  readonly isInt96?: true
}

const asIs = (raw: Raw): Cell => raw as Cell
const back = (cell: Exclude<Cell, null>): Raw => cell

function integers(fileType: DataType, doorType: DataType, pool: readonly bigint[]): ColumnKind {
  return { name: '', fileType, doorType, pool, seen: asIs, constant: back }
}

const small = [-3n, -2n, -1n, 0n, 1n, 2n, 3n, 5n, 7n]
const counts = [0n, 1n, 2n, 3n, 5n, 7n]
const around = (bits: bigint) => [...small, -(1n << (bits - 1n)), (1n << (bits - 1n)) - 1n]
const upTo = (bits: bigint) => [...counts, 1n << (bits - 1n), (1n << bits) - 1n]

const doubles = [NaN, -0, 0, 1.5, -1.5, 2, 3, Infinity, -Infinity, 1e300, Number.MIN_VALUE, 0.1]
const singles = [NaN, -0, 0, 1.5, -1.5, 2, 3, Infinity, -Infinity, 2 ** -149, Math.fround(0.1)]

const long = 'x'.repeat(70)
const words = [
  '',
  'a',
  'ab',
  'abc',
  'b',
  'ä',
  'ž',
  '\u{10000}',
  '\uE000',
  '%',
  'a_b',
  'a%b',
  '😀😀',
]
const texts = [...words, long, `${long}a`, `${long}\u{10ffff}`, '\u{10ffff}'.repeat(20)]
const blobs = [[], [0], [0, 0], [1], [127], [128], [255], [255, 255], [255, 0]].map((bytes) =>
  Uint8Array.from(bytes),
)
const longBlobs = [...blobs, new Uint8Array(80).fill(255), new Uint8Array(80).fill(254)]

function text(fileType: DataType): ColumnKind {
  return { ...bytes(fileType, texts), doorType: new Utf8() }
}

function bytes(fileType: DataType, pool: readonly Raw[]): ColumnKind {
  return {
    name: '',
    fileType,
    doorType: new Binary(),
    pool,
    seen: (raw) => byteText(raw as string | Uint8Array),
    constant: (cell) => Buffer.from(cell as string, 'latin1'),
  }
}

const instants = [-1n, 0n, 1n, -1001n, 1500n, 86_400_000n, 1_709_210_096_789n, -62_135_596_800_000n]

/** Ticks of so many in a millisecond (or of so many milliseconds each), floored to milliseconds. */
function timestamps(fileType: DataType, zoned: boolean, ticks: bigint, each = 1n): ColumnKind {
  const pool = instants.flatMap((instant) => [instant * ticks, instant * ticks + ticks / 2n])
  const seen = (raw: Raw): Cell => {
    const value = BigInt(raw as bigint) * each
    return (value - (((value % ticks) + ticks) % ticks)) / ticks
  }
  return {
    name: '',
    fileType,
    doorType: zoned ? new TimestampMillisecond('UTC') : new DateMillisecond(),
    pool: each === 1n ? pool : [-1n, 0n, 1n, 1_709_210_096n],
    seen,
    constant: zoned
      ? (cell, random) => ((cell as bigint) << 12n) | BigInt(Math.floor(random() * 2200))
      : back,
  }
}

function clock(raw: Raw): Cell {
  const micros = BigInt(raw as bigint)
  const at = new Date(Number(micros / 1000n)).toISOString().slice(11, 23)
  return byteText(`${at}${String(micros % 1000n).padStart(3, '0')}`)
}

const kinds: readonly (readonly [string, ColumnKind])[] = [
  [
    'flag',
    {
      name: '',
      fileType: new Bool(),
      doorType: new Bool(),
      pool: [true, false],
      seen: asIs,
      constant: back,
    },
  ],
  ['tiny', integers(new Int8(), new Int8(), around(8n))],
  ['short', integers(new Int16(), new Int16(), around(16n))],
  ['int', integers(new Int32(), new Int32(), around(32n))],
  [
    'long',
    integers(new Int64(), new Int64(), [...around(64n), 1n << 32n, -(1n << 32n), (1n << 32n) - 1n]),
  ],
  ['wide', integers(new Int32(), new Int64(), around(32n))],
  ['byte', integers(new Uint8(), new Int16(), upTo(8n))],
  ['word', integers(new Uint16(), new Int32(), upTo(16n))],
  ['dword', integers(new Uint32(), new Int64(), upTo(32n))],
  ['qword', integers(new Uint64(), new Decimal(0, 20, 128), upTo(64n))],
  [
    'real',
    {
      name: '',
      fileType: new Float32(),
      doorType: new Float32(),
      pool: singles,
      seen: asIs,
      constant: back,
    },
  ],
  [
    'double',
    {
      name: '',
      fileType: new Float64(),
      doorType: new Float64(),
      pool: doubles,
      seen: asIs,
      constant: back,
    },
  ],
  [
    'cents',
    integers(new Decimal(2, 9, 128), new Decimal(2, 9, 128), [...small, -99_999n, 12_345n]),
  ],
  [
    'huge',
    integers(new Decimal(3, 38, 128), new Decimal(3, 38, 128), [
      ...small,
      10n ** 37n,
      -(10n ** 37n),
      1n << 64n,
      (1n << 64n) - 1n,
      -(1n << 64n),
    ]),
  ],
  ['text', text(new Utf8())],
  ['ltext', text(new LargeUtf8())],
  ['blob', bytes(new Binary(), longBlobs)],
  [
    'fixed',
    bytes(
      new FixedSizeBinary(2),
      [
        [0, 0],
        [0, 255],
        [127, 1],
        [128, 0],
        [255, 255],
      ].map((pair) => Uint8Array.from(pair)),
    ),
  ],
  ['day', integers(new DateDay(), new DateDay(), [-1n, 0n, 1n, 19_782n, 19_783n, -719_162n])],
  ['ts_ms', timestamps(new TimestampMillisecond(), false, 1n)],
  ['ts_us', timestamps(new TimestampMicrosecond(), false, 1000n)],
  [
    'ts_ns',
    {
      ...timestamps(new TimestampNanosecond(), false, 1_000_000n),
      pool: [-1n, 0n, 999_999n, 1_000_000n, -1_000_001n, 1_709_210_096_789_000_001n],
    },
  ],
  ['tz_ms', timestamps(new TimestampMillisecond('UTC'), true, 1n)],
  ['tz_us', timestamps(new TimestampMicrosecond('UTC'), true, 1000n)],
  [
    'clock',
    {
      ...text(new TimeMicrosecond()),
      pool: [0n, 1n, 86_399_999_999n, 3_600_000_000n],
      seen: clock,
    },
  ],
]

/** Every kind of flat column that our writer can write and Athena can see. */
export const columnKinds: readonly ColumnKind[] = kinds.map(([name, kind]) => ({ ...kind, name }))

const DAY_NS = 86_400_000_000_000n
/** Of 1970-01-01. */
const JULIAN_DAY = 2_440_588n

/** Nanoseconds of the day, then the Julian day. */
function int96Of(nanoseconds: bigint): Uint8Array {
  const ofDay = ((nanoseconds % DAY_NS) + DAY_NS) % DAY_NS
  const bytes = Buffer.alloc(12)
  bytes.writeBigInt64LE(ofDay)
  bytes.writeInt32LE(Number((nanoseconds - ofDay) / DAY_NS + JULIAN_DAY), 8)
  return Uint8Array.from(bytes)
}

function millisecondsOf(raw: Raw): Cell {
  const bytes = Buffer.from(raw as Uint8Array)
  const day = BigInt(bytes.readInt32LE(8)) - JULIAN_DAY
  return day * (DAY_NS / 1_000_000n) + bytes.readBigInt64LE() / 1_000_000n
}

/** The oldest way to write moments, as Spark and Impala did: no order of its statistics means anything. */
export const int96Kind: ColumnKind = {
  name: 'ts_96',
  fileType: new FixedSizeBinary(12),
  doorType: new DateMillisecond(),
  pool: [
    -1n,
    0n,
    999_999n,
    1_000_000n,
    -1_000_001n,
    1_709_210_096_789_000_001n,
    DAY_NS,
    -DAY_NS,
  ].map(int96Of),
  seen: millisecondsOf,
  constant: back,
  isInt96: true,
}

/** The same with what only Athena's tables are tried with. */
export const athenaKinds: readonly ColumnKind[] = [...columnKinds, int96Kind]
