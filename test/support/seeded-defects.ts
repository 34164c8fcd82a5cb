import { Field, Schema, Uint32, Utf8 } from 'apache-arrow'
import { decodeSchema } from '../../service/athena/arrow-blocks.ts'
import { encodeSchema } from '../../service/athena/arrow-messages.ts'
import type { Rule } from '../../service/athena/broken-rule.ts'
import { splitKey } from './reference-connector.ts'
import type { Answer, Defect, ReferenceOptions } from './reference-connector.ts'

/** A wrong connector and the rule that it breaks. */
export interface SeededDefect {
  readonly rule: Rule
  readonly defect: Defect
  readonly options?: Partial<ReferenceOptions>
}

interface SplitLike {
  spillLocation: { bucket: string; key: string; directory: boolean } | null
  encryptionKey: unknown
  properties: Record<string, unknown>
}

interface BlockLike {
  schema: string
  records: string
}

/** A defect in the answers of one type. */
const inAnswer = (type: string, change: (answer: Answer) => unknown): Defect => ({
  answer: (answer) => (answer['@type'] === type ? change(structuredClone(answer)) : answer),
})

const inSplits = (change: (splits: SplitLike[], answer: Answer) => void): Defect =>
  inAnswer('GetSplitsResponse', (answer) => {
    change(answer['splits'] as SplitLike[], answer)
    return answer
  })

const inRemote = (
  change: (
    locations: { key: string; bucket: string; directory: boolean }[],
    answer: Answer,
  ) => void,
) =>
  inAnswer('RemoteReadRecordsResponse', (answer) => {
    change(answer['remoteBlocks'] as { key: string; bucket: string; directory: boolean }[], answer)
    return answer
  })

const inRecords = (change: (block: BlockLike) => void): Defect =>
  inAnswer('ReadRecordsResponse', (answer) => {
    change(answer['records'] as BlockLike)
    return answer
  })

const without = (key: string) => (answer: Answer) =>
  Object.fromEntries(Object.entries(answer).filter(([name]) => name !== key))

const with_ = (change: Answer) => (answer: Answer) => ({ ...answer, ...change })

const tableOf = (...fields: Field[]) =>
  inAnswer('GetTableResponse', (answer) => ({
    ...answer,
    schema: encodeSchema(new Schema(fields), 'modern').toString('base64'),
  }))

const spilled = { spilledBlocks: 2 } as const

const reversed = (answer: Answer) => {
  const [type, ...rest] = Object.entries(answer)
  return Object.fromEntries([...(type ? [type] : []), ...rest.toReversed()])
}

/** Overwrites bytes at the end of a block's records. */
const cut = (block: BlockLike) => {
  block.records = Buffer.from(block.records, 'base64').subarray(0, -8).toString('base64')
}

/** One connector for each mistake that the protocol makes easy. */
export const seededDefects: Readonly<Record<string, SeededDefect>> = {
  'ping without serDeVersion': {
    rule: 'serde_version',
    defect: inAnswer('PingResponse', without('serDeVersion')),
  },
  'ping of version 7': {
    rule: 'serde_version',
    defect: inAnswer('PingResponse', with_({ serDeVersion: 7 })),
  },
  'ping for another query': {
    rule: 'echo',
    defect: inAnswer('PingResponse', with_({ queryId: 'other' })),
  },
  'keys in another order': { rule: 'answer', defect: inAnswer('GetTableResponse', reversed) },
  '@type last': {
    rule: 'answer',
    defect: inAnswer('GetTableResponse', ({ '@type': type, ...rest }) => ({
      ...rest,
      '@type': type,
    })),
  },
  'no continuationToken': {
    rule: 'answer',
    defect: inAnswer('GetSplitsResponse', without('continuationToken')),
  },
  'no encryptionKey in a spilled answer': {
    rule: 'answer',
    defect: inAnswer('RemoteReadRecordsResponse', without('encryptionKey')),
    options: spilled,
  },
  'an error returned as an answer': {
    rule: 'answer',
    defect: inAnswer('GetTableResponse', () => ({ errorMessage: 'no', errorType: 'Error' })),
  },
  'nothing returned': { rule: 'answer', defect: inAnswer('GetTableResponse', () => undefined) },
  'an unknown capability': {
    rule: 'capabilities',
    defect: inAnswer(
      'GetDataSourceCapabilitiesResponse',
      with_({ capabilities: { supports_magic: [] } }),
    ),
  },
  'a capability of another kind': {
    rule: 'capabilities',
    defect: inAnswer(
      'GetDataSourceCapabilitiesResponse',
      with_({
        capabilities: { supports_limit_pushdown: [{ subType: 'any', properties: [] }] },
      }),
    ),
  },
  'another catalog': {
    rule: 'echo',
    defect: inAnswer('GetSplitsResponse', with_({ catalogName: 'other' })),
  },
  "another table's name": {
    rule: 'echo',
    defect: inAnswer(
      'GetTableResponse',
      with_({ tableName: { schemaName: 'reference', tableName: 'b' } }),
    ),
  },
  'an upper-case column': { rule: 'names', defect: tableOf(new Field('Id', new Utf8(), true)) },
  'a column twice': {
    rule: 'names',
    defect: tableOf(new Field('id', new Utf8(), true), new Field('id', new Utf8(), true)),
  },
  'an unsigned column': {
    rule: 'supported_types',
    defect: tableOf(new Field('id', new Uint32(), true)),
  },
  'only partition columns': {
    rule: 'partition_columns',
    defect: {
      answer: (answer) =>
        answer['@type'] === 'GetTableResponse'
          ? {
              ...answer,
              schema: encodeSchema(
                new Schema([new Field('p', new Utf8(), true)]),
                'modern',
              ).toString('base64'),
              partitionColumns: ['p'],
            }
          : answer,
    },
  },
  'a partition column that is none': {
    rule: 'partition_columns',
    defect: inAnswer('GetTableResponse', with_({ partitionColumns: ['p'] })),
  },
  'a partition column missing from the layout': {
    rule: 'partition_columns',
    defect: inAnswer('GetTableResponse', with_({ partitionColumns: ['name'] })),
  },
  'a token that comes again': {
    rule: 'paging',
    defect: inAnswer('GetSplitsResponse', with_({ splits: [], continuationToken: '1' })),
  },
  'tokens in a circle': {
    rule: 'paging',
    defect: {
      answer: (answer, event) =>
        answer['@type'] === 'GetSplitsResponse'
          ? {
              ...answer,
              splits: [],
              continuationToken: event.continuationToken === '1' ? '2' : '1',
            }
          : answer,
    },
  },
  'a split twice': {
    rule: 'splits',
    defect: inSplits((splits) => splits.push(...splits.slice(0, 1))),
  },
  'one spill location for two splits': {
    rule: 'splits',
    defect: inSplits((splits) => {
      const [first] = splits
      splits.push(...(first ? [{ ...first, properties: { other: '1' } }] : []))
    }),
  },
  'a spill location without a key': {
    rule: 'splits',
    defect: inSplits(([split]) => {
      if (split?.spillLocation) split.spillLocation.key = ''
    }),
  },
  'a null property': {
    rule: 'answer',
    defect: inSplits(([split]) => {
      if (split) split.properties['file'] = null
    }),
  },
  'a key of 8 bytes': {
    rule: 'encryption_key',
    defect: inSplits(([split]) => {
      if (split) split.encryptionKey = splitKey(8, 1)
    }),
  },
  'columns in another order': {
    rule: 'projection',
    defect: inRecords((block) => {
      const schema = decodeSchema(block.schema, 'the schema')
      const fields = schema.fields.toReversed()
      block.schema = encodeSchema(new Schema(fields), 'modern').toString('base64')
      block.records = ''
    }),
  },
  'a column of another type': {
    rule: 'projection',
    defect: inRecords((block) => {
      const schema = decodeSchema(block.schema, 'the schema')
      const fields = schema.fields.map(({ name }) => new Field(name, new Utf8(), true))
      block.schema = encodeSchema(new Schema(fields), 'modern').toString('base64')
      block.records = ''
    }),
  },
  'a column missing': {
    rule: 'projection',
    defect: inRecords((block) => {
      const schema = decodeSchema(block.schema, 'the schema')
      block.schema = encodeSchema(new Schema(schema.fields.slice(1)), 'modern').toString('base64')
      block.records = ''
    }),
  },
  'a whole ipc stream as records': {
    rule: 'arrow',
    defect: inRecords((block) => {
      block.records = Buffer.concat([
        Buffer.from(block.schema, 'base64'),
        Buffer.from(block.records, 'base64'),
      ]).toString('base64')
    }),
  },
  'records cut off': { rule: 'arrow', defect: inRecords(cut) },
  'records that are not base64': {
    rule: 'arrow',
    defect: inRecords((block) => {
      block.records = `${block.records.slice(0, 76)}\n${block.records.slice(76)}`
    }),
  },
  'an inline block over maxInlineBlockSize': {
    rule: 'inline_size',
    defect: {},
    options: { splitRows: 100_000 / 2 },
  },
  'a spilled block over maxBlockSize': {
    rule: 'block_size',
    defect: {},
    options: { spilledBlocks: 1, splitRows: 100_000 / 2 },
  },
  'blocks numbered from 1': {
    rule: 'spill_location',
    defect: inRemote((locations) => locations.shift()),
    options: spilled,
  },
  'blocks with a slash before the number': {
    rule: 'spill_location',
    defect: inRemote(([location]) => {
      if (location) location.key = location.key.replace(/\.0$/, '/0')
    }),
    options: spilled,
  },
  'blocks listed in another order': {
    rule: 'spill_location',
    defect: inRemote((locations) => locations.push(...locations.splice(0, 1))),
    options: spilled,
  },
  'a block in another bucket': {
    rule: 'spill_location',
    defect: inRemote(([location]) => {
      if (location) location.bucket = 'other'
    }),
    options: spilled,
  },
  'a block that claims to be a directory': {
    rule: 'spill_location',
    defect: inRemote(([location]) => {
      if (location) location.directory = true
    }),
    options: spilled,
  },
  'a spilled answer without the key': {
    rule: 'encryption_key',
    defect: inRemote((_, answer) => (answer['encryptionKey'] = null)),
    options: spilled,
  },
  'a spilled answer with another key': {
    rule: 'encryption_key',
    defect: inRemote((_, answer) => (answer['encryptionKey'] = splitKey(32, 99))),
    options: spilled,
  },
  'objects encrypted with another key': {
    rule: 'spill_object',
    defect: { key: splitKey(32, 99) },
    options: spilled,
  },
  'objects that hold an ipc stream': {
    rule: 'arrow',
    defect: {
      object: (message) => Buffer.concat([encodeSchema(new Schema([]), 'legacy'), message]),
    },
    options: spilled,
  },
  'objects cut off': {
    rule: 'arrow',
    defect: { object: (message) => message.subarray(0, -8) },
    options: spilled,
  },
  'empty objects': {
    rule: 'spill_object',
    defect: { object: () => Buffer.alloc(0) },
    options: spilled,
  },
}

/** Wrong, but not so that the engine fails: a part of the warning. */
export const seededWarnings: Readonly<
  Record<string, Omit<SeededDefect, 'rule'> & { readonly warning: string }>
> = {
  'an unknown key at the end': {
    warning: 'ends with unknown keys: requestType',
    defect: inAnswer('GetTableResponse', with_({ requestType: 'GET_TABLE' })),
  },
  'spilled objects followed by a marker': {
    warning: '8 bytes follow',
    defect: {
      object: (message) => Buffer.concat([message, Buffer.from('ffffffff00000000', 'hex')]),
    },
    options: spilled,
  },
  'a split location that is no directory': {
    warning: 'directory:false',
    defect: inSplits(([split]) => {
      if (split?.spillLocation) split.spillLocation.directory = false
    }),
  },
  'a limit that is promised and ignored': {
    warning: 'more rows than the limit',
    defect: inAnswer(
      'GetDataSourceCapabilitiesResponse',
      with_({
        capabilities: {
          supports_limit_pushdown: [{ subType: 'integer_constant', properties: [] }],
        },
      }),
    ),
  },
  'ping with capabilities of the future': {
    warning: 'capabilities 25',
    defect: inAnswer('PingResponse', with_({ capabilities: 25 })),
  },
}
