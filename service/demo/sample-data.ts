import { createRequire } from 'node:module'
import type { DataType } from 'apache-arrow'
import {
  Bool,
  DateDay,
  Decimal,
  Field,
  Float64,
  Int32,
  Int64,
  List,
  Map_,
  makeData,
  makeVector,
  Struct,
  Table,
  TimestampMicrosecond,
  tableToIPC,
  Utf8,
  Vector,
  vectorFromArray,
} from 'apache-arrow'
import type * as ParquetWasm from 'parquet-wasm/node'

const parquet = createRequire(import.meta.url)('parquet-wasm/node') as typeof ParquetWasm

/** One Parquet file of the sample data. */
export interface SampleFile {
  /** Below the bucket. */
  readonly key: string
  readonly bytes: Uint8Array
  readonly rowCount: number
}

export const ORDER_DAYS = 20
/** 20 days × 105,000 rows: a little over two million. */
export const ORDERS_PER_DAY = 105_000
/** The size pyarrow and others write by default is larger; four groups a file show pruning. */
const ROWS_PER_GROUP = 26_250
export const ROW_GROUPS_PER_ORDERS_FILE = ORDERS_PER_DAY / ROWS_PER_GROUP

const cities = ['Berlin', 'Lagos', 'Lima', 'Osaka', 'Porto', 'Quito', 'Turin', 'Zürich']
const channels = ['web', 'shop', 'phone', 'partner']
const MICROSECONDS_PER_DAY = 86_400_000_000n
/** 2026-11-01. */
const FIRST_DAY = 20_758

/** All files, made one by one: `orders` partitioned by day, `devices` with nested types, `cities` small. */
export function* sampleFiles(folder: string): Generator<SampleFile> {
  for (let day = 0; day < ORDER_DAYS; day += 1) {
    const date = new Date((FIRST_DAY + day) * 86_400_000).toISOString().slice(0, 10)
    yield sampleFile(`${folder}/orders/day=${date}/part-00000.parquet`, orders(day))
  }
  yield sampleFile(`${folder}/devices/devices.parquet`, devices())
  yield sampleFile(`${folder}/cities/cities.parquet`, cityTable())
}

function sampleFile(key: string, table: Table): SampleFile {
  const properties = new parquet.WriterPropertiesBuilder()
    .setCompression(parquet.Compression.SNAPPY)
    .setMaxRowGroupSize(ROWS_PER_GROUP)
    .build()
  const wasmTable = parquet.Table.fromIPCStream(tableToIPC(table, 'stream'))
  return { key, bytes: parquet.writeParquet(wasmTable, properties), rowCount: table.numRows }
}

/** Order numbers rise through the days, so that statistics can rule row groups out. */
function orders(day: number): Table {
  const random = randomSequence(day + 1)
  const rows = ORDERS_PER_DAY
  const orderId = new BigInt64Array(rows)
  const customerId = new Int32Array(rows)
  const amount = new Uint32Array(rows * 4)
  const discount = new Float64Array(rows)
  const createdAt = new BigInt64Array(rows)
  const city: string[] = []
  const channel: (string | null)[] = []
  const midnight = BigInt(FIRST_DAY + day) * MICROSECONDS_PER_DAY
  for (let row = 0; row < rows; row += 1) {
    orderId[row] = BigInt(day * rows + row + 1)
    customerId[row] = random() % 50_000
    amount[row * 4] = 100 + (random() % 50_000)
    discount[row] = (random() % 31) / 100
    createdAt[row] = midnight + (BigInt(row) * MICROSECONDS_PER_DAY) / BigInt(rows)
    city.push(cities[random() % cities.length] ?? '')
    channel.push(random() % 20 === 0 ? null : (channels[random() % channels.length] ?? null))
  }
  const money = new Decimal(2, 12, 128)
  return tableOf({
    order_id: makeVector(orderId),
    customer_id: makeVector(customerId),
    city: vectorFromArray(city, new Utf8()),
    channel: vectorFromArray(channel, new Utf8()),
    amount: new Vector([makeData({ type: money, length: rows, data: amount })]),
    discount: makeVector(discount),
    created_at: new Vector([
      makeData({ type: new TimestampMicrosecond(), length: rows, data: createdAt }),
    ]),
  })
}

function devices(): Table {
  const reading = new Struct([
    new Field('celsius', new Float64(), true),
    new Field('ok', new Bool(), true),
  ])
  const labels = new Map_<Utf8, Utf8>(
    new Field(
      'entries',
      new Struct<{ key: Utf8; value: Utf8 }>([
        new Field('key', new Utf8(), false),
        new Field('value', new Utf8(), true),
      ]),
      false,
    ),
  )
  const ids = Array.from({ length: 1_000 }, (_, index) => index)
  return tableOf({
    device_id: vectorFromArray(ids, new Int32()),
    last: vectorFromArray(
      ids.map((id) => ({ celsius: 15 + (id % 90) / 10, ok: id % 7 !== 0 })),
      reading,
    ),
    history: vectorFromArray(
      ids.map((id) => Array.from({ length: id % 4 }, (_, step) => 15 + ((id + step) % 90) / 10)),
      new List(new Field('item', new Float64(), true)),
    ),
    labels: vectorFromArray(
      ids.map(
        (id) =>
          new Map([
            ['site', cities[id % cities.length] ?? ''],
            ['rack', `r${id % 12}`],
          ]),
      ),
      labels,
    ),
  })
}

function cityTable(): Table {
  return tableOf({
    city: vectorFromArray(cities, new Utf8()),
    opened: vectorFromArray(
      cities.map((_, index) => new Date(Date.UTC(2010 + index, index, 1))),
      new DateDay(),
    ),
    inhabitants: vectorFromArray(
      [3_700_000n, 15_400_000n, 10_000_000n, 2_700_000n, 240_000n, 1_800_000n, 840_000n, 440_000n],
      new Int64(),
    ),
  })
}

function tableOf(columns: Record<string, Vector<DataType>>): Table {
  return new Table(columns)
}

/** A small seeded generator (Marsaglia's xorshift, 32 bits): the sample data is the same everywhere. */
function randomSequence(seed: number): () => number {
  let state = Math.imul(seed, 0x9e3779b1) | 1
  return () => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return state >>> 0
  }
}
