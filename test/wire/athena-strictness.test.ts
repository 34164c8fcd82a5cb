import t from 'tap'
import { brokenRule } from '../../service/athena/broken-rule.ts'
import type { Answer } from '../../service/athena/responses.ts'
import {
  readCapabilities,
  readGetSplits,
  readGetTable,
  readGetTableLayout,
  readListSchemas,
  readListTables,
  readPing,
  readReadRecords,
} from '../../service/athena/responses.ts'

type Json = Record<string, unknown>

interface Sample {
  readonly read: (answer: unknown) => Answer<unknown>
  readonly answer: Json
  /** Keys that may be missing. */
  readonly optional?: readonly string[]
  /** Keys that may be null. */
  readonly nullable?: readonly string[]
}

const block = { aId: 'a', schema: '', records: '' }
const location = { '@type': 'S3SpillLocation', bucket: 'b', key: 'k', directory: true }
const tableName = { schemaName: 's', tableName: 't' }

const samples: readonly Sample[] = [
  {
    read: readPing,
    answer: {
      '@type': 'PingResponse',
      catalogName: 'c',
      queryId: 'q',
      sourceType: 's',
      capabilities: 24,
      serDeVersion: 5,
    },
    optional: ['serDeVersion'],
    nullable: ['sourceType'],
  },
  {
    read: readCapabilities,
    answer: {
      '@type': 'GetDataSourceCapabilitiesResponse',
      catalogName: 'c',
      capabilities: { a: [{ subType: 'x', properties: ['y'] }] },
    },
  },
  {
    read: readListSchemas,
    answer: { '@type': 'ListSchemasResponse', catalogName: 'c', schemas: ['s'] },
  },
  {
    read: readListTables,
    answer: {
      '@type': 'ListTablesResponse',
      tables: [tableName],
      catalogName: 'c',
      nextToken: 'n',
    },
    optional: ['nextToken'],
    nullable: ['nextToken'],
  },
  {
    read: readGetTable,
    answer: {
      '@type': 'GetTableResponse',
      catalogName: 'c',
      tableName,
      schema: '',
      partitionColumns: [],
    },
  },
  {
    read: readGetTableLayout,
    answer: {
      '@type': 'GetTableLayoutResponse',
      catalogName: 'c',
      tableName,
      partitions: block,
    },
  },
  {
    read: readGetSplits,
    answer: {
      '@type': 'GetSplitsResponse',
      catalogName: 'c',
      splits: [
        {
          spillLocation: location,
          encryptionKey: { key: 'AA==', nonce: 'AA==' },
          properties: { p: '1' },
        },
      ],
      continuationToken: 'x',
    },
    nullable: ['continuationToken'],
  },
  {
    read: readReadRecords,
    answer: { '@type': 'ReadRecordsResponse', catalogName: 'c', records: block },
  },
  {
    read: readReadRecords,
    answer: {
      '@type': 'RemoteReadRecordsResponse',
      catalogName: 'c',
      schema: '',
      remoteBlocks: [{ ...location, directory: false }],
      encryptionKey: { key: 'AA==', nonce: 'AA==' },
    },
    nullable: ['encryptionKey'],
  },
]

const without = (answer: Json, key: string): Json =>
  Object.fromEntries(Object.entries(answer).filter(([name]) => name !== key))

function swapped(answer: Json, index: number): Json {
  const entries = Object.entries(answer)
  const [entry] = entries.splice(index, 1)
  return Object.fromEntries(
    entry ? [...entries.slice(0, index + 1), entry, ...entries.slice(index + 1)] : entries,
  )
}

for (const { read, answer, optional = [], nullable = [] } of samples) {
  const refuses = (name: string, mutation: unknown) =>
    t.test(`${String(answer['@type'])}: refuses ${name}`, async (t) => {
      t.equal(brokenRule(t.throws(() => read(mutation))), 'answer')
    })
  const accepts = (name: string, mutation: unknown, trailing: string[] = []) =>
    t.test(`${String(answer['@type'])}: accepts ${name}`, async (t) => {
      t.strictSame(read(mutation).trailing, trailing)
    })

  accepts('the right form', answer)
  accepts('an unknown key at the end', { ...answer, requestType: 'X' }, ['requestType'])
  refuses('an unknown key after @type', {
    '@type': answer['@type'],
    extra: 1,
    ...without(answer, '@type'),
  })
  refuses('@type last', { ...without(answer, '@type'), '@type': answer['@type'] })
  refuses('another @type', { ...answer, '@type': 'OtherResponse' })
  refuses('no @type', without(answer, '@type'))
  refuses('an error as an answer', { errorMessage: 'no', errorType: 'Error' })
  for (const [index, key] of Object.keys(answer).entries()) {
    if (key === '@type') continue
    if (index < Object.keys(answer).length - 1)
      refuses(`${key} in another place`, swapped(answer, index))
    const rest = without(answer, key)
    if (optional.includes(key)) accepts(`no ${key}`, rest)
    else refuses(`no ${key}`, rest)
    if (nullable.includes(key)) accepts(`${key} null`, { ...answer, [key]: null })
    else refuses(`${key} null`, { ...answer, [key]: null })
    refuses(`${key} of another type`, { ...answer, [key]: { other: true } })
  }
}

for (const [name, answer] of [
  ['null', null],
  ['nothing', undefined],
  ['a list', []],
  ['a text', 'PingResponse'],
] as const)
  t.test(`refuses ${name} as an answer`, async (t) => {
    t.equal(brokenRule(t.throws(() => readPing(answer))), 'answer')
  })

const splits = (split: Json) => ({
  '@type': 'GetSplitsResponse',
  catalogName: 'c',
  splits: [split],
  continuationToken: null,
})

t.test(
  'a split without spill location and key is right, one that leaves them out is not',
  async (t) => {
    const bare = { spillLocation: null, encryptionKey: null, properties: {} }
    t.strictSame(readGetSplits(splits(bare)).value.splits, [bare])
    for (const key of Object.keys(bare))
      t.equal(brokenRule(t.throws(() => readGetSplits(splits(without(bare, key))))), 'answer')
  },
)

t.test('split properties: a number is its text, null is refused', async (t) => {
  const split = (properties: Json) =>
    splits({ spillLocation: null, encryptionKey: null, properties })
  const { value } = readGetSplits(split({ rows: 7, last: true, name: 'x' }))
  t.strictSame(value.splits[0]?.properties, { rows: '7', last: 'true', name: 'x' })
  t.equal(brokenRule(t.throws(() => readGetSplits(split({ rows: null })))), 'answer')
  t.equal(brokenRule(t.throws(() => readGetSplits(split({ rows: [1] })))), 'answer')
})

t.test('nested objects have exactly their keys, in order', async (t) => {
  const answer = (records: Json) => ({ '@type': 'ReadRecordsResponse', catalogName: 'c', records })
  for (const wrong of [
    { ...block, extra: 1 },
    { schema: '', aId: 'a', records: '' },
    { aId: 'a', schema: '' },
    { ...block, records: null },
  ])
    t.equal(brokenRule(t.throws(() => readReadRecords(answer(wrong)))), 'answer')
})

t.test('ping without a version is version 1', async (t) => {
  const answer = {
    '@type': 'PingResponse',
    catalogName: 'c',
    queryId: 'q',
    sourceType: 's',
    capabilities: 23,
  }
  t.equal(readPing(answer).value.serDeVersion, 1)
})

t.test('says what stands where what belongs', async (t) => {
  const answer = { '@type': 'ListTablesResponse', catalogName: 'c', tables: [] }
  t.throws(() => readListTables(answer), {
    message: 'answer: ListTablesResponse: "catalogName" stands where "tables" belongs',
  })
})
