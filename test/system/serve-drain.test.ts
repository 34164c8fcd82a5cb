import assert from 'node:assert'
import { once } from 'node:events'
import { status } from '@grpc/grpc-js'
import t from 'tap'
import { Federation } from '../../proto/gen/spillway/v1/federation_pb.ts'
import { failureOf, federationClient, readAll } from '../support/federation-client.ts'
import { largeFile } from '../support/large-table.ts'
import type { Settings } from '../support/start-gateway-process.ts'
import { gatewaySettings, startGatewayProcess } from '../support/start-gateway-process.ts'
import { minioBinary, startMinio } from '../support/start-minio.ts'
import { storeClient } from '../support/store-client.ts'

const table = { schema: 'lake', table: 'orders' }
const isSkipped = minioBinary() === undefined && 'there is no minio binary: NOT TESTED'

t.setTimeout(180_000)

t.test('SIGTERM over a real MinIO', { skip: isSkipped, timeout: 120_000 }, async (t) => {
  const minio = await startMinio()
  t.teardown(() => minio.stop())
  const client = storeClient(minio)
  await client.makeBucket(table.schema)
  // 40 MB in 16 row groups: more than the gateway, the wire and a client that does not read hold together.
  const file = largeFile({ seed: 1, rowCount: 200_000, rowsPerGroup: 12_500 })
  await client.putObject(table.schema, 'tables/orders/1.parquet', file.bytes)

  /** A gateway, and a stream of which one block was taken. */
  const startReading = async (settings: Settings) => {
    const gateway = await startGatewayProcess(gatewaySettings(minio, settings))
    const federation = federationClient(gateway.grpc)
    const [split] = await federation.plan(table)
    assert(split)
    const stream = federation.readSplit({ ...split, blockBytesTarget: 1_000_000 })
    const blocks = stream[Symbol.asyncIterator]()
    const first = await blocks.next()
    t.teardown(async () => {
      stream.on('error', () => {}).cancel()
      federation.close()
      gateway.kill('SIGKILL')
      await gateway.exited
    })
    return { gateway, federation, split, stream, blocks, first }
  }

  t.test('a running stream ends well, new calls are refused, exit code 0', async (t) => {
    const { gateway, federation, split, blocks, first } = await startReading({})
    const whole = await readAll(federation.readSplit({ ...split, blockBytesTarget: 1_000_000 }))
    t.ok(whole.length > 16, `${whole.length} blocks`)
    gateway.kill('SIGTERM')
    await gateway.logged('draining')
    const readyz = await fetch(`${gateway.http}/readyz`)
    t.equal(readyz.status, 503)
    t.match(await readyz.json(), { status: 'draining' })
    const late = federationClient(gateway.grpc)
    t.teardown(() => late.close())
    for (const client of [late, federation]) {
      t.match(await failureOf(client.call(Federation.method.listSchemas, {})), {
        status: status.UNAVAILABLE,
      })
    }
    const bodies = [Buffer.from(first.value?.dataBody ?? [])]
    for (let next = await blocks.next(); next.done !== true; next = await blocks.next())
      bodies.push(Buffer.from(next.value.dataBody))
    t.ok(Buffer.concat(bodies).equals(Buffer.concat(whole.map(({ dataBody }) => dataBody))))
    t.equal(await gateway.exited, 0)
    t.equal(gateway.log.at(-1)?.msg, 'closed')
  })

  t.test('a stream that nobody reads is ended when the time is up', async (t) => {
    const { gateway, blocks } = await startReading({ SPILLWAY_SHUTDOWN_TIMEOUT: '300ms' })
    gateway.kill('SIGTERM')
    t.equal(await gateway.exited, 0)
    t.match(await gateway.logged('call failed'), { method: 'ReadSplit', code: 'cancelled' })
    const rest = async () => {
      for (let next = await blocks.next(); next.done !== true;) next = await blocks.next()
    }
    t.match(await failureOf(rest()), { status: status.CANCELLED }, 'never taken for a whole answer')
  })

  t.test('a second signal ends it at once', async (t) => {
    const { gateway } = await startReading({})
    gateway.kill('SIGTERM')
    await gateway.logged('draining')
    gateway.kill('SIGTERM')
    t.equal(await gateway.exited, 'SIGTERM')
  })
})

t.test('whoever watches the health hears of the drain, and does not hold it up', async (t) => {
  const nowhere = { url: 'http://127.0.0.1:9', accessKey: 'nobody', secretKey: 'nothing' }
  const settings = { SPILLWAY_SHUTDOWN_TIMEOUT: '1h' }
  const gateway = await startGatewayProcess(gatewaySettings(nowhere, settings))
  const federation = federationClient(gateway.grpc)
  t.teardown(async () => {
    federation.close()
    gateway.kill('SIGKILL')
    await gateway.exited
  })
  t.equal(await federation.health(), 'SERVING')
  const watch = federation.watchHealth()
  const heard: string[] = []
  watch.on('data', (answer: { status: string }) => heard.push(answer.status)).on('error', () => {})
  await once(watch, 'data')
  gateway.kill('SIGTERM')
  t.equal(await gateway.exited, 0)
  t.strictSame(heard, ['SERVING', 'NOT_SERVING'])
})
