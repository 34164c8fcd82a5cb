import { readFileSync } from 'node:fs'
import t from 'tap'
import {
  capabilitiesResponse,
  getSplitsResponse,
  getTableLayoutResponse,
  getTableResponse,
  listSchemasResponse,
  listTablesResponse,
  pingResponse,
  readBlockSizes,
  readConstraintsJson,
  readRecordsResponse,
  readRequest,
  readSplit,
  readTableName,
  remoteReadRecordsResponse,
} from '../../../shim-lambda/athena-messages.ts'

const golden = (name: string): string =>
  readFileSync(new URL(`../../golden/athena/${name}`, import.meta.url), 'utf8')
const location = { bucket: 'b', key: 'p/q/u', directory: true }
const encryptionKey = { nonce: 'Tk5OTk5OTk5OTk5O', key: 'S0tLS0tLS0tLS0tLS0tLSw==' }
const tableName = { tableName: 't', schemaName: 's' }
const block = { records: 'UkVD', schema: 'U0NI', aId: 'a' }

t.test('writes exactly the documented keys in exactly the documented order', async (t) => {
  const wire: [object, string][] = [
    [
      pingResponse({
        serDeVersion: 5,
        capabilities: 24,
        sourceType: 'spillway',
        queryId: 'q',
        catalogName: 'c',
      }),
      '{"@type":"PingResponse","catalogName":"c","queryId":"q","sourceType":"spillway","capabilities":24,"serDeVersion":5}',
    ],
    [
      listSchemasResponse('c', ['b', 'a']),
      '{"@type":"ListSchemasResponse","catalogName":"c","schemas":["b","a"]}',
    ],
    [
      listTablesResponse([tableName], 'c', '7'),
      '{"@type":"ListTablesResponse","tables":[{"schemaName":"s","tableName":"t"}],"catalogName":"c","nextToken":"7"}',
    ],
    [
      getTableResponse('c', tableName, 'U0NI'),
      '{"@type":"GetTableResponse","catalogName":"c","tableName":{"schemaName":"s","tableName":"t"},"schema":"U0NI","partitionColumns":[]}',
    ],
    [
      getTableLayoutResponse('c', tableName, block),
      '{"@type":"GetTableLayoutResponse","catalogName":"c","tableName":{"schemaName":"s","tableName":"t"},"partitions":{"aId":"a","schema":"U0NI","records":"UkVD"}}',
    ],
    [
      getSplitsResponse(
        'c',
        [{ ticket: Buffer.from([0xfb, 0xff, 0xfe]), encryptionKey, spillLocation: location }],
        null,
      ),
      '{"@type":"GetSplitsResponse","catalogName":"c","splits":[{"spillLocation":{"@type":"S3SpillLocation","bucket":"b","key":"p/q/u","directory":true},"encryptionKey":{"key":"S0tLS0tLS0tLS0tLS0tLSw==","nonce":"Tk5OTk5OTk5OTk5O"},"properties":{"ticket":"-__-"}}],"continuationToken":null}',
    ],
    [
      getSplitsResponse(
        'c',
        [{ ticket: Buffer.of(1), encryptionKey: null, spillLocation: null }],
        '2',
      ),
      '{"@type":"GetSplitsResponse","catalogName":"c","splits":[{"spillLocation":null,"encryptionKey":null,"properties":{"ticket":"AQ"}}],"continuationToken":"2"}',
    ],
    [
      readRecordsResponse('c', block),
      '{"@type":"ReadRecordsResponse","catalogName":"c","records":{"aId":"a","schema":"U0NI","records":"UkVD"}}',
    ],
    [
      remoteReadRecordsResponse({
        encryptionKey: null,
        remoteBlocks: [{ directory: false, key: 'p/q/u.0', bucket: 'b' }],
        schema: 'U0NI',
        catalogName: 'c',
      }),
      '{"@type":"RemoteReadRecordsResponse","catalogName":"c","schema":"U0NI","remoteBlocks":[{"@type":"S3SpillLocation","bucket":"b","key":"p/q/u.0","directory":false}],"encryptionKey":null}',
    ],
    [
      capabilitiesResponse(
        'c',
        new Map([['supports_limit_pushdown', [{ properties: [], subType: 'integer_constant' }]]]),
      ),
      '{"@type":"GetDataSourceCapabilitiesResponse","catalogName":"c","capabilities":{"supports_limit_pushdown":[{"subType":"integer_constant","properties":[]}]}}',
    ],
  ]
  for (const [response, expected] of wire) t.equal(JSON.stringify(response), expected)
})

t.test('writes what the SDK writes', async (t) => {
  const tables = golden('java_listtables_v6.json')
  t.equal(
    JSON.stringify(listTablesResponse([{ schemaName: 's', tableName: 't' }], 'cat', null)),
    tables,
  )
  for (const name of ['java_rrr_v6.json', 'java_rrr_noenc_v6.json']) {
    const remote = JSON.parse(golden(name))
    t.equal(JSON.stringify(remoteReadRecordsResponse(remote)), golden(name), name)
  }
  const read = JSON.parse(golden('java_rr_v6.json'))
  t.equal(
    JSON.stringify(readRecordsResponse(read.catalogName, read.records)),
    golden('java_rr_v6.json'),
  )
})

t.test('reads the requests of every serde version', async (t) => {
  for (const version of ['v2', 'v4', 'v5', 'v6']) {
    const event = JSON.parse(golden(`java_layoutreq_${version}.json`))
    const request = readRequest(event, 'GetTableLayoutRequest')
    t.match(
      request,
      {
        catalogName: event.catalogName,
        queryId: event.queryId,
        principal: 'arn:aws:iam::1:user/u',
        account: '1',
      },
      version,
    )
    t.strictSame(readTableName(request), event.tableName, version)
    t.strictSame(JSON.parse(readConstraintsJson(request)), event.constraints, version)
  }
})

t.test('reads a split, its key and its sizes in both spellings', async (t) => {
  const split = JSON.parse(golden('java_splits_v6.json')).splits[0]
  const request = (extra: object) =>
    readRequest(
      { ...extra, split: { ...split, encryptionKey, properties: { ticket: '-__-', more: 'x' } } },
      'ReadRecordsRequest',
    )
  t.strictSame(readSplit(request({})), {
    spillLocation: { bucket: 'bkt', key: 'pre/q/split', directory: true },
    encryptionKey: { key: encryptionKey.key, nonce: encryptionKey.nonce },
    ticket: Buffer.from([0xfb, 0xff, 0xfe]),
  })
  const sizes = { blockBytesMax: 16_000_000, inlineBytesMax: 5_242_880 }
  const text = { maxBlockSize: '16000000', maxInlineBlockSize: '5242880' }
  const number = { maxBlockSize: 16_000_000, maxInlineBlockSize: 5_242_880 }
  for (const asked of [text, number, {}]) t.strictSame(readBlockSizes(request(asked)), sizes)
})

t.test('defaults what older and newer engines leave out', async (t) => {
  const empty = { catalogName: '', queryId: '', principal: '', account: '' }
  t.match(readRequest({}, 'PingRequest'), empty)
  t.match(readRequest({ identity: null, queryId: null }, 'PingRequest'), empty)
  const old = { identity: { id: 'x', principal: 'P', account: '9' }, catalogName: 'c' }
  t.match(readRequest(old, 'PingRequest'), { principal: 'P', account: '9', catalogName: 'c' })
  t.equal(readRequest(old, 'PingRequest').configOptions.size, 0)
})

t.test('keeps only texts of the config options', async (t) => {
  const event = { identity: { configOptions: { spill_bucket: 'b', odd: 3, none: null } } }
  t.strictSame([...readRequest(event, 'PingRequest').configOptions], [['spill_bucket', 'b']])
})

t.test('names what is missing or wrong, never its value', async (t) => {
  const read = (event: object) => () => readSplit(readRequest(event, 'ReadRecordsRequest'))
  const key = { spillLocation: null, properties: { ticket: 'AQ' } }
  const wrong: [object, string][] = [
    [{}, 'ReadRecordsRequest.split is missing, expected an object'],
    [{ split: [] }, 'ReadRecordsRequest.split is an array, expected an object'],
    [{ split: {} }, 'ReadRecordsRequest.split.properties is missing, expected an object'],
    [
      { split: { properties: {} } },
      'ReadRecordsRequest.split.properties.ticket is missing, expected a string',
    ],
    [
      { split: { properties: { ticket: 'se cret' } } },
      'ReadRecordsRequest.split.properties.ticket is a string, expected base64',
    ],
    [
      { split: { ...key, encryptionKey: { key: 'AA==' } } },
      'ReadRecordsRequest.split.encryptionKey.nonce is missing, expected a string',
    ],
    [
      { split: { ...key, spillLocation: { bucket: 7 } } },
      'ReadRecordsRequest.split.spillLocation.bucket is a number, expected a string',
    ],
  ]
  for (const [event, message] of wrong)
    t.throws(read(event), { message: `invalid_request: ${message}`, code: 'invalid_request' })
})

t.test('does not take inherited names for keys', async (t) => {
  const event = { split: { properties: Object.create({ ticket: 'AQ' }) as object } }
  t.throws(() => readSplit(readRequest(event, 'ReadRecordsRequest')), { code: 'invalid_request' })
})
