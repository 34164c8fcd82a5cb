import t from 'tap'
import { functionFailure } from '../../service/athena/invoke.ts'
import type { QueryLimits } from '../../service/athena/query.ts'
import { askTable, defectsIn } from '../support/ask-table.ts'
import type { Allowance } from '../support/failing-store-users.ts'
import { addUser } from '../support/failing-store-users.ts'
import { minioBinary, startMinio } from '../support/start-minio.ts'
import type { Stack, StackOptions } from '../support/start-stack.ts'
import { spillBucket, startStack } from '../support/start-stack.ts'
import type { StoreKeys } from '../support/store-client.ts'
import { longs, sequence, writeParquet } from '../support/write-parquet.ts'

const schema = 'ample'
const rowCount = 20_000
/** So small that every answer must spill, in several blocks. */
const limits: Partial<QueryLimits> = { maxInlineBytes: 1_000, maxBlockBytes: 40_000 }
const reading: Allowance = { actions: ['ListBucket', 'GetObject'], resources: ['*'] }

// Users and their rights, and a store that is stopped and comes back, are MinIO's own.
if (minioBinary() === undefined) {
  t.plan(0, 'there is no minio binary: NOT TESTED')
  process.exit(0)
}

const minio = await startMinio()
t.teardown(() => minio.stop())
const stack = await startStack({ store: minio })
t.teardown(() => stack.close())
await stack.client.makeBucket(schema)
await stack.client.putObject(
  schema,
  'tables/numbers/a.parquet',
  writeParquet([['id', longs(sequence(rowCount))]]),
)

/** How many rows came, or what the function said; `identity` may name another spill bucket. */
async function readAll(from: Stack, configOptions: Record<string, string> = {}): Promise<string> {
  try {
    const engine = from.engine({ limits, identity: { configOptions } })
    const result = await engine.query({ schema, table: 'numbers' }, AbortSignal.timeout(30_000))
    let rows = 0
    for await (const batch of result.batches()) rows += batch.rowCount
    return `${rows} rows, ${result.statistics.spilledBlocks > 1 ? 'spilled' : 'inline'}`
  } catch (error) {
    return functionFailure(error)?.errorMessage ?? String(error)
  }
}

const allRows = `${rowCount} rows, spilled`

/** A stack whose function has these keys for its spills; they are read at its first call, so make it at once. */
async function stackThatSpillsAs(keys: StoreKeys, options: StackOptions = {}): Promise<Stack> {
  const own = await startStack({ store: minio, ...options })
  process.env['AWS_ACCESS_KEY_ID'] = keys.accessKey
  process.env['AWS_SECRET_ACCESS_KEY'] = keys.secretKey
  return own
}

t.test('with the right to put, blocks are spilled', async (t) => {
  t.equal(await readAll(stack), allRows)
})

t.test('a function that may not put is told the permission and the resource', async (t) => {
  const own = await stackThatSpillsAs(await addUser(minio, 'reader', [reading]))
  t.teardown(() => own.close())
  const said = await readAll(own)
  t.match(said, /^forbidden: s3:\/\/test-spill\/athena-federation-spill\/.* could not be written/)
  t.match(said, `allow s3:PutObject on arn:aws:s3:::${spillBucket}/athena-federation-spill/*`)
  t.equal(await readAll(stack), allRows, 'others still can')
  t.strictSame(defectsIn(own), [])
})

t.test('a function that may put below its own prefix is told of the prefix', async (t) => {
  const resources = [`${spillBucket}/mine/*`]
  const keys = await addUser(minio, 'prefixed', [reading, { actions: ['PutObject'], resources }])
  const own = await stackThatSpillsAs(keys)
  t.teardown(() => own.close())
  t.equal(await readAll(own, { spill_prefix: 'mine' }), allRows)
  const said = await readAll(own, { spill_prefix: 'theirs' })
  t.match(said, `allow s3:PutObject on arn:aws:s3:::${spillBucket}/theirs/*`)
})

t.test('keys that S3 does not know are told without being shown', async (t) => {
  const keys = { ...minio, accessKey: 'nobody', secretKey: 'nobodys-secret' }
  const own = await stackThatSpillsAs(keys)
  t.teardown(() => own.close())
  const said = await readAll(own)
  t.match(said, /^forbidden: /)
  t.match(said, spillBucket)
  t.notMatch([said, ...own.log].join('\n'), keys.secretKey)
})

t.test('a spill bucket that does not exist is named, with its setting', async (t) => {
  const own = await startStack({ store: minio, shim: { spill_bucket: 'no-such-spill' } })
  t.teardown(() => own.close())
  const said = await readAll(own)
  t.match(said, /^forbidden: spill_bucket "no-such-spill" does not exist: set spill_bucket to /)
  t.match(await readAll(stack, { spill_bucket: 'neither-this' }), 'spill_bucket "neither-this"')
  t.equal(await readAll(stack), allRows)
})

t.test('a spill bucket that goes while it is written to is named', async (t) => {
  await stack.client.makeBucket('short-lived')
  const own = await startStack({ store: minio, shim: { spill_bucket: 'short-lived' } })
  t.teardown(() => own.close())
  const signal = AbortSignal.timeout(30_000)
  const result = await own.engine({ limits }).query({ schema, table: 'numbers' }, signal)
  await stack.client.removeBucket('short-lived')
  const failure = await result
    .batches()
    .next()
    .then(() => undefined, functionFailure)
  t.match(failure?.errorMessage, /^invalid_request: s3:\/\/short-lived\/.* no such spill_bucket/)
})

t.test(
  'without a spill bucket small answers come, and large ones say what is missing',
  async (t) => {
    const own = await startStack({ store: minio, shim: { spill_bucket: '' } })
    t.teardown(() => own.close())
    t.match(await readAll(own), /^too_large: .*ample\.numbers .*set spill_bucket/)
    const { rows } = await askTable(own, { schema, table: 'numbers', limit: 5 })
    t.equal(rows.length, 5)
  },
)

t.test('none of it was a defect of ours', async (t) => {
  t.equal(await readAll(stack), allRows)
  t.strictSame(defectsIn(stack), [])
})
