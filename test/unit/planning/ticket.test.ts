import { createHash, randomBytes, randomUUID } from 'node:crypto'
import t from 'tap'
import type { ArrowType } from '../../../service/arrow/arrow-type.ts'
import type { Split, SplitFile } from '../../../service/planning/split.ts'
import { decodeSplit, encodeSplit } from '../../../service/planning/split-encoding.ts'
import { fileRecordBytesMax } from '../../../service/planning/split-files-encoding.ts'
import { TicketKeys } from '../../../service/planning/ticket-keys.ts'
import { openTicket, sealTicket } from '../../../service/planning/ticket.ts'
import { inDomain } from '../../../service/predicate/predicate.ts'
import { randomNumbers } from '../../support/columns-random.ts'
import { anonymous } from '../../../service/credentials/caller.ts'
import { holderOf, openingOf } from '../../support/ticket-holder.ts'

const nowMs = 1_790_000_000_000
const md5 = (text: string) => createHash('md5').update(text).digest('hex')
const key = (fill: number) => Buffer.alloc(32, fill).toString('base64')
const fail = (): never => {
  throw new Error('not a split')
}

function splitOf(files: readonly SplitFile[]): Split {
  return {
    table: { schema: 'lake-sales', table: 'orders' },
    bucket: 'Lake-sales',
    prefix: 'tables/Orders/',
    files,
    partitionColumns: ['day', 'größe'],
    expiresMs: nowMs + 1000,
  }
}

const file = (name: string, other: Partial<SplitFile> = {}): SplitFile => ({
  key: `tables/Orders/${name}`,
  etag: md5(name),
  sizeBytes: 12_345_678,
  rowGroups: { start: 0, end: 3 },
  ...other,
})

t.test('opens to the split that was sealed', async (t) => {
  const keys = new TicketKeys([key(1)])
  const split = splitOf([
    file('day=2026-11-01/größe=1/part-00000.parquet'),
    file('day=2026-11-01/größe=1/part-00001.parquet', { rowGroups: { start: 2, end: 5 } }),
    file('day=2026-11-01/größe=1/part-00001.parquet', { rowGroups: { start: 7, end: 900 } }),
    file('x', { etag: `${md5('x')}-17`, sizeBytes: 5e12 }),
    file('xx', { etag: 'not an md5 "ä"' }),
    file('xxx', { etag: md5('x').toUpperCase(), versionId: 'version-1' }),
    file('xxx', { etag: md5('x').toUpperCase(), versionId: 'version-2' }),
    file('\u{10000}\uE000 %2F+/../z', { etag: '' }),
    file('y', { etag: `${md5('y')}-0` }),
  ])
  const ticket = sealTicket(split, keys, holderOf())
  t.strictSame(openTicket(ticket, openingOf(keys, nowMs)), split)
  t.strictSame(
    openTicket(Uint8Array.from(ticket), openingOf(new TicketKeys([key(1)]), nowMs)),
    split,
  )
})

t.test('carries what is to be read, and nothing of it where that is left open', async (t) => {
  const keys = new TicketKeys([key(1)])
  const bare = splitOf([file('x')])
  const type: ArrowType = { kind: 'decimal', precision: 60, scale: 2, bitWidth: 256 }
  const split: Split = {
    ...bare,
    read: {
      columns: [{ name: 'price', type, nullable: false, metadata: { $i: 'kept', ä: '' } }],
      predicate: inDomain('price', type, {
        nullAllowed: null,
        ranges: [{ low: { value: 10n ** 40n, inclusive: false } }],
      }),
      rowLimit: 0,
    },
  }
  t.strictSame(openTicket(sealTicket(split, keys, holderOf()), openingOf(keys, nowMs)), split)
  t.equal(openTicket(sealTicket(bare, keys, holderOf()), openingOf(keys, nowMs)).read, undefined)
})

t.test('a filter beyond the limit of tickets is refused before it is sealed', async (t) => {
  const value = Buffer.alloc(13 * 1024 * 1024)
  const predicate = { kind: 'constant', type: { kind: 'utf8' }, value } as const
  const split = { ...splitOf([]), read: { columns: [], predicate } }
  t.throws(() => sealTicket(split, new TicketKeys([]), holderOf()), {
    code: 'too_large',
    message: /shorten the filter/,
  })
})

t.test('the columns of 500 make a ticket below 8 KiB', async (t) => {
  const columns = Array.from({ length: 500 }, (_, index) => ({
    name: `measurement_${index}`,
    type: { kind: 'float', bitWidth: 64 } as const,
    nullable: true,
  }))
  const split = { ...splitOf([file('x')]), read: { columns } }
  const ticket = sealTicket(split, new TicketKeys([]), holderOf())
  t.ok(ticket.length < 8192, `${ticket.length} bytes`)
})

t.test('encodes any split and reads it back, within the size it foretells (seeded)', async (t) => {
  for (let seed = 1; seed <= 500; seed++) {
    const random = randomNumbers(seed)
    const number = (max: number) => Math.floor(random() ** 4 * max)
    const files = Array.from({ length: number(30) }, () => {
      const start = number(1000)
      const etag = random() < 0.7 ? md5(String(random())) : `e${number(1e9)}`
      const digits = createHash('sha512')
        .update(String(number(5)))
        .digest('hex')
      const name = `${'ab'.repeat(number(40))}${number(50)}/${digits.slice(0, number(128))}é${
        random() < 0.5 ? number(1e6) : randomUUID()
      }.parquet`
      return file(random() < 0.2 ? 'same' : name, {
        etag: random() < 0.2 ? `${md5(name)}-${1 + number(10_000)}` : etag,
        sizeBytes: number(2 ** 53 - 1),
        rowGroups: { start, end: start + 1 + number(100) },
        ...(random() < 0.2 && { versionId: `v${number(1e9)}` }),
      })
    })
    const split = splitOf(files)
    const bytes = Buffer.from(encodeSplit(split))
    t.strictSame(decodeSplit(bytes, fail), split, `seed ${seed}`)
    const most = files.reduce((sum, one) => sum + fileRecordBytesMax(one), 0)
    const names = encodeSplit(splitOf([])).length
    // The lengths of what is deflated.
    if (bytes.length - names > most + 8) t.fail(`seed ${seed}: ${bytes.length} > ${most}`)
  }
})

const job = randomUUID()
/** Names as writers give them. */
const namings: Readonly<Record<string, (at: number, serial: string) => string>> = {
  'serial numbers': (_, serial) => `part-${serial}.parquet`,
  'of one Spark job': (_, serial) => `part-${serial}-${job}.c000.snappy.parquet`,
  'of many Spark jobs': (_, serial) => `part-${serial}-${randomUUID()}.c000.snappy.parquet`,
  UUIDs: () => `${randomUUID()}.parquet`,
  'of Trino': () => `20261101_101010_00012_abcde_${randomUUID()}`,
  'of Iceberg': (at, serial) => `data/${serial}-${at % 7}-${randomUUID()}-00001.parquet`,
  hashes: (at) => `${md5(String(at))}.parquet`,
}
for (const [naming, nameOf] of Object.entries(namings)) {
  t.test(`takes at most 40 bytes a file for 2,000 files, names: ${naming}`, async (t) => {
    const files = Array.from({ length: 2000 }, (_, at) => {
      const day = `day=2026-11-${String(1 + (at % 30)).padStart(2, '0')}`
      const name = `${day}/${nameOf(at, String(at).padStart(5, '0'))}`
      return file(name, { sizeBytes: 60_000_000 + at * 977 })
    }).toSorted((left, right) => (left.key < right.key ? -1 : 1))
    const keys = new TicketKeys([])
    const ticket = sealTicket(splitOf(files), keys, holderOf())
    t.ok(ticket.length / files.length <= 40, `${ticket.length / files.length} bytes a file`)
    t.strictSame(openTicket(ticket, openingOf(keys, nowMs)).files, files)
  })
}

t.test('refuses every flipped bit, every cut and every extension', async (t) => {
  const keys = new TicketKeys([key(1), key(2)])
  const files = Array.from({ length: 60 }, (_, at) => file(`part-${at}.parquet`))
  const ticket = sealTicket(splitOf(files), keys, holderOf())
  const refused = { code: 'invalid_request', message: /plan again$/ }
  let variants = 0
  const check = (bytes: Uint8Array, what: string) => {
    variants += 1
    try {
      openTicket(bytes, openingOf(keys, nowMs))
    } catch (error) {
      const { code, message } = error as { code: string; message: string }
      if (code === refused.code && refused.message.test(message)) return
    }
    t.fail(what)
  }
  for (let bit = 0; bit < ticket.length * 8; bit++) {
    const flipped = Uint8Array.from(ticket)
    flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7))
    check(flipped, `bit ${bit}`)
  }
  for (let length = 0; length < ticket.length; length++)
    check(ticket.subarray(0, length), `cut to ${length}`)
  for (let count = 1; count < 40; count++) {
    check(Buffer.concat([ticket, Buffer.alloc(count)]), `${count} bytes more`)
  }
  const other = sealTicket(splitOf(files.slice(1)), keys, holderOf())
  for (let at = 1; at < Math.min(ticket.length, other.length); at++) {
    const swapped = Buffer.concat([ticket.subarray(0, at), other.subarray(at)])
    // Both begin with the same version and key.
    if (at > 5) check(swapped, `halves of two tickets at ${at}`)
  }
  for (let count = 0; count < 500; count++) check(randomBytes(count), `${count} random bytes`)
  check(Buffer.alloc(9 * 1024 * 1024, ticket), 'too large')
  t.ok(variants >= 10_000, `${variants} variants`)
})

t.test('opens with any key of the ring and seals with the first', async (t) => {
  const split = splitOf([file('a.parquet')])
  const old = sealTicket(split, new TicketKeys([key(1)]), holderOf())
  const ring = new TicketKeys([key(2), key(1)])
  t.strictSame(openTicket(old, openingOf(ring, nowMs)), split)
  t.strictSame(
    openTicket(sealTicket(split, ring, holderOf()), openingOf(new TicketKeys([key(2)]), nowMs)),
    split,
  )
  for (const keys of [new TicketKeys([key(2)]), new TicketKeys([]), new TicketKeys([])]) {
    t.throws(() => openTicket(old, openingOf(keys, nowMs)), { code: 'invalid_request' })
  }
  t.throws(() => new TicketKeys(['c2hvcnQ=']))
})

t.test('does not take a continuation for a ticket', async (t) => {
  const keys = new TicketKeys([])
  const sealed = keys.seal(
    'continuation',
    encodeSplit(splitOf([file('a.parquet')])),
    anonymous.name,
  )
  t.throws(() => openTicket(sealed, openingOf(keys, nowMs)), { code: 'invalid_request' })
})

t.test('opens for its holder alone, while the holder may see the same', async (t) => {
  const keys = new TicketKeys([key(1)])
  const split = splitOf([file('a.parquet')])
  const rightsDigest = Buffer.from('01234567')
  const ticket = sealTicket(split, keys, { caller: 'etl', rightsDigest })
  const open = (caller: string, digest: string | undefined) =>
    openTicket(ticket, {
      keys,
      caller,
      rightsDigestOf: (table) => {
        t.strictSame(table, split.table)
        return digest === undefined ? undefined : Buffer.from(digest)
      },
      nowMs,
    })
  t.strictSame(open('etl', '01234567'), split)
  for (const caller of ['', 'et', 'etl2', 'ETL', 'anonymous']) {
    t.throws(() => open(caller, '01234567'), { code: 'invalid_request', message: /not one of/ })
  }
  for (const digest of [undefined, '', '0123456', '01234568']) {
    t.throws(() => open('etl', digest), {
      code: 'invalid_request',
      message: /was changed; plan again$/,
    })
  }
})

t.test('expires', async (t) => {
  const keys = new TicketKeys([])
  const split = splitOf([file('a.parquet')])
  const ticket = sealTicket(split, keys, holderOf())
  t.strictSame(openTicket(ticket, openingOf(keys, split.expiresMs - 1)), split)
  t.throws(() => openTicket(ticket, openingOf(keys, split.expiresMs)), {
    code: 'invalid_request',
    message: /expired at 2026-.*; plan again/,
  })
})

t.test('seals the same split differently each time', async (t) => {
  const keys = new TicketKeys([])
  const split = splitOf([file('a.parquet')])
  const tickets = Array.from({ length: 100 }, () =>
    Buffer.from(sealTicket(split, keys, holderOf())).toString('hex'),
  )
  t.equal(new Set(tickets).size, 100)
})

t.test('refuses sealed bytes that are no split', async (t) => {
  const keys = new TicketKeys([])
  const good = Buffer.from(encodeSplit(splitOf([file('a.parquet')])))
  const countless = Buffer.concat([good.subarray(0, 6), Buffer.alloc(9, 0xff)])
  const foreign = encodeSplit({ ...splitOf([file('a.parquet')]), prefix: 'tables/other/' })
  for (const bad of [
    Buffer.of(),
    good.subarray(0, -1),
    Buffer.concat([good, Buffer.of(0)]),
    countless,
    foreign,
  ]) {
    t.throws(() => openTicket(keys.seal('split', bad, anonymous.name), openingOf(keys, nowMs)), {
      code: 'invalid_request',
    })
  }
})
