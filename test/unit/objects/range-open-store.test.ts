import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import t from 'tap'
import { staticCredentials } from '../../../service/credentials/store-credentials.ts'
import { openStore } from '../../../service/objects/open-store.ts'
import { anySignal, body, keys, object, range } from './range-scripted-server.ts'

t.test('an opened S3 store reads by sockets, unless it is told not to', async (t) => {
  const agents: string[] = []
  const server = createServer((message, answer) => {
    agents.push(/^\w+/.exec(message.headers['user-agent'] ?? '')?.[0] ?? '')
    const fields = { 'content-range': 'bytes 10-19/100', 'content-length': 10, etag: '"abc"' }
    answer.writeHead(206, fields).end(body)
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  t.teardown(() => server.closeAllConnections())
  t.teardown(() => server.close())
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const place = { kind: 's3', url, region: 'us-east-1' } as const
  const credentials = staticCredentials(keys())
  for (const connection of [place, { ...place, dataReads: 'sdk' } as const]) {
    const store = openStore(connection, credentials)
    t.teardown(() => store.close())
    await store.read({ object, range, into: new Uint8Array(10) }, anySignal())
    await store.read({ object, range }, anySignal())
  }
  t.strictSame(agents, ['spillway', 'spillway', 'MinIO', 'MinIO'])
})
