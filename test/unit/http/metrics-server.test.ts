import t, { type Test } from 'tap'
import { anonymous, type Identify, identifyAnybody } from '../../../service/credentials/caller.ts'
import { GatewayError } from '../../../service/errors.ts'
import { metricsServer } from '../../../service/http/metrics-server.ts'
import { MetricsRegistry } from '../../../service/metrics/registry.ts'

async function listening(t: Test, identify: Identify): Promise<string> {
  const server = metricsServer({
    host: '127.0.0.1',
    port: 0,
    registry: new MetricsRegistry('1.2.3'),
    identify,
    translate: (reason) => GatewayError.from(reason),
  })
  t.teardown(() => server.close())
  return server.listen()
}

t.test('metrics are all there is on their port', async (t) => {
  const url = await listening(t, identifyAnybody)
  const answer = await fetch(`${url}/metrics`)
  t.match(await answer.text(), /spillway_build_info\{version="1\.2\.3"\} 1/)
  t.equal((await fetch(`${url}/v1/schemas`)).status, 404)
})

t.test('they are for operators there too', async (t) => {
  const url = await listening(t, async ({ authorization }) => {
    if (authorization === undefined) throw new GatewayError('unauthenticated', 'nobody')
    return { ...anonymous, isOperator: authorization === 'Bearer operator' }
  })
  const statusOf = async (authorization?: string) => {
    const headers = authorization === undefined ? {} : { authorization }
    return (await fetch(`${url}/metrics`, { headers })).status
  }
  t.strictSame(
    [await statusOf(), await statusOf('Bearer other'), await statusOf('Bearer operator')],
    [401, 403, 200],
  )
})
