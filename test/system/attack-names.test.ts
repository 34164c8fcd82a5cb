import { randomInt } from 'node:crypto'
import { create } from '@bufbuild/protobuf'
import t from 'tap'
import { FlightDescriptorSchema } from '../../proto/gen/arrow/flight/flight_pb.ts'
import type { TableName } from '../../service/catalog/table-name.ts'
import { GatewayError } from '../../service/errors.ts'
import { requestOf } from '../../service/flight/flight-descriptor.ts'
import { randomNumbers } from '../support/columns-random.ts'
import { memoryTable } from '../support/memory-table.ts'

// Whatever a caller calls a schema or a table, keys and prefixes asked of the store are those of listed folders below the
// configured ones. `SPILLWAY_TEST_NAMES=1000000` by night.
const NAMES = Number(process.env['SPILLWAY_TEST_NAMES'] ?? 100_000)
const seed = Number(process.env['SPILLWAY_TEST_SEED'] ?? randomInt(2 ** 31))
const { signal } = new AbortController()

t.setTimeout(30_000 + NAMES)
t.comment(`SPILLWAY_TEST_NAMES=${NAMES} SPILLWAY_TEST_SEED=${seed}`)

const schemas = ['lake-a', 'lake-b', 'Lake-c', 'hidden', 'lake']
const folders = ['orders', 'orders_private', 'Orders-2', '.hidden', '_tmp', 'größe', 'a b%2Fc']
/** Of an attacker's book: ways up, ways out, other spellings of a slash or a dot, ends of strings, sheer length. */
const pieces = [
  ['..', '../', '../../', '/', '//', '\\', '..\\', '.', './', '', ' ', '\t', '\n', '\r\n', '*'],
  ['%2e%2e%2f', '%2e', '%2f', '%5c', '%00', '%252e%252e%252f', '..%c0%af', '..;/', '?', '#'],
  ['\0', '\u202e', '\ufeff', '\u2024\u2024/', '\uff0e\uff0e\uff0f', '\u212a', 'İ', 'ß', 'ſ'],
  ['\ud800', '\udfff', 'e\u0301', '😀', 'file:///etc/passwd', 's3://hidden/secret', '$(id)'],
  ["'", '"', '`', ';', '--', '__proto__', 'constructor', 'toString', 'tables/', '_private'],
  ['prefix=', '&list-type=2', 'x'.repeat(300), '../'.repeat(100), 'hidden', 'secret', 'C:\\'],
].flat()

function nameMaker(random: () => number) {
  const pick = (list: readonly string[]): string => list[Math.floor(random() * list.length)] ?? ''
  const mutate = (name: string): string => {
    const at = Math.floor(random() * (name.length + 1))
    return name.slice(0, at) + pick(pieces) + name.slice(random() < 0.7 ? at : at + 1)
  }
  const anyCharacters = (): string =>
    Array.from({ length: Math.floor(random() * 12) }, () =>
      String.fromCharCode(Math.floor(random() * 0x1_0000)),
    ).join('')
  return (real: readonly string[]): string => {
    const way = random()
    if (way < 0.15) return pick(real)
    if (way < 0.2) return pick(real).toUpperCase()
    if (way < 0.3) return anyCharacters()
    let name = pick(random() < 0.8 ? real : ['', 'hidden', 'secret'])
    for (let more = 1 + Math.floor(random() * 4); more > 0; more--) name = mutate(name)
    return name
  }
}

t.test(`${NAMES} hostile names reach nothing but what is listed`, async (t) => {
  const lake = memoryTable()
  for (const folder of folders) lake.putInto('lake-a', `tables/${folder}/part.parquet`)
  for (const bucket of ['lake-b', 'Lake-c', 'hidden', 'other-lake-a']) {
    for (const key of ['tables/orders/part.parquet', 'secret', 'tables-private/orders/x.parquet']) {
      lake.putInto(bucket, key)
    }
  }
  lake.putInto('lake-a', 'secret')
  lake.putInto('lake-a', 'tables-private/orders/x.parquet')
  const ways: readonly ((name: TableName) => Promise<unknown>)[] = [
    ({ schema }) => lake.catalog.listTables(schema, signal),
    (name) => lake.catalog.describeTable(name, signal),
    ({ schema, table }) => askFor({ type: 1, path: [schema, table] }),
    (name) => askFor({ type: 2, cmd: Buffer.from(JSON.stringify(name)) }),
  ]
  const askFor = async (descriptor: object) => {
    const request = requestOf(create(FlightDescriptorSchema, descriptor))
    return lake.catalog.describeTable(request.table, signal)
  }
  const nameOf = nameMaker(randomNumbers(seed))
  let asked = 0
  let found = 0
  const wrong: string[] = []
  for (let count = 0; count < NAMES; count++) {
    const name = { schema: nameOf(schemas), table: nameOf(folders) }
    try {
      await ways[count % ways.length]?.(name)
    } catch (error) {
      const { code } = GatewayError.from(error)
      // The files of this lake are no Parquet: who gets that far has found a table.
      if (code === 'unreadable_file') found += 1
      else if (code !== 'table_not_found' && code !== 'invalid_request') {
        wrong.push(`${JSON.stringify(name)}: ${String(error)}`)
      }
    }
    for (const { bucket, prefix } of lake.store.lists) {
      asked += 1
      if (!isAllowed(name, bucket, prefix)) wrong.push(`${JSON.stringify(name)}: list ${prefix}`)
    }
    for (const key of [...lake.footersAsked, ...lake.store.reads.map(({ object }) => object.key)]) {
      asked += 1
      const isBelow = key.endsWith('/part.parquet')
      const folder = key.slice(0, -'part.parquet'.length)
      if (!isBelow || !isAllowed(name, name.schema.toLowerCase(), folder) || folder === 'tables/') {
        wrong.push(`${JSON.stringify(name)}: read ${key}`)
      }
    }
    lake.store.reset()
    lake.footersAsked.length = 0
  }
  t.comment(`${asked} questions to the store, ${found} tables found`)
  t.strictSame(wrong, [])
  const orders = { schema: 'lake-a', table: 'orders' }
  const outside = ['', 'tables-private/', 'tables/orders', 'tables/orders_private/', 'tables/../']
  t.notOk(
    outside.some((prefix) => isAllowed(orders, 'lake-a', prefix)),
    'others would be seen',
  )
  t.ok(asked > NAMES / 100 && found > NAMES / 1_000, 'the names that exist were found')
})

/** The folder of tables, or the listed folder of just this name; in the bucket of just this name. */
function isAllowed({ schema, table }: TableName, bucket: string, prefix: string): boolean {
  const isBucket = bucket.toLowerCase() === schema.toLowerCase() && bucket.startsWith('lake-')
  const isFolder = folders.some(
    (folder) =>
      folder.toLowerCase() === table.toLowerCase() &&
      prefix === `tables/${folder}/` &&
      !/^[._]/.test(folder),
  )
  return isBucket && (prefix === 'tables/' || isFolder)
}
