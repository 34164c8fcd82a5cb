import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { get } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { setTimeout as after } from 'node:timers/promises'
import { connect } from 'node:tls'
import t from 'tap'
import { makeAuthority } from '../support/make-certificate.ts'
import { gatewaySettings, startGatewayProcess } from '../support/start-gateway-process.ts'

const nowhere = { url: 'http://127.0.0.1:9', accessKey: 'nobody', secretKey: 'secret-of-nobody' }
/** Files are looked at every 10 seconds, and twice before a broken pair is told. */
const LOOKS_MS_MAX = 60_000

t.setTimeout(240_000)

t.test('metrics have a port of their own, and no other has them then', async (t) => {
  const settings = gatewaySettings(nowhere, { SPILLWAY_METRICS_ADDRESS: '127.0.0.1:0' })
  const gateway = await startGatewayProcess(settings)
  t.teardown(() => gateway.stop())
  const { metrics } = await gateway.logged('listening')
  t.match(metrics, /^http:\/\/127\.0\.0\.1:[1-9]\d*$/)
  const statusOf = async (url: string) => (await fetch(url)).status
  t.match(await (await fetch(`${String(metrics)}/metrics`)).text(), 'spillway_build_info')
  t.equal(await statusOf(`${gateway.http}/metrics`), 404)
  for (const route of ['/healthz', '/v1/schemas', '/']) {
    t.equal(await statusOf(`${String(metrics)}${route}`), 404, route)
  }
  t.equal(await gateway.stop(), 0)
})

t.test(
  'both ports take a new certificate, and keep the old one rather than a broken one',
  async (t) => {
    const folder = await mkdtemp(join(tmpdir(), 'spillway-ports-'))
    t.teardown(() => rm(folder, { recursive: true }))
    const files = { cert: join(folder, 'tls.crt'), key: join(folder, 'tls.key') }
    const authority = makeAuthority()
    const [first, second] = [authority.issue(), authority.issue()]
    const write = async ({ certificate, key }: typeof first) => {
      await writeFile(files.cert, certificate)
      await writeFile(files.key, key)
    }
    await write(first)
    const gateway = await startGatewayProcess(
      gatewaySettings(nowhere, {
        SPILLWAY_TLS_CERT_FILE: files.cert,
        SPILLWAY_TLS_KEY_FILE: files.key,
      }),
    )
    t.teardown(() => gateway.stop())
    const ports = [gateway.http, `https://${gateway.grpc}`].map((url) => Number(new URL(url).port))
    const shown = () =>
      Promise.all(
        ports.map(async (port) => {
          const socket = connect({
            port,
            ca: authority.certificate,
            ALPNProtocols: ['h2', 'http/1.1'],
          })
          await once(socket, 'secureConnect')
          const pem = socket.getPeerX509Certificate()?.toString()
          socket.destroy()
          return pem
        }),
      )
    const metric = async (name: string): Promise<number> => {
      const [answer] = await once(
        get(`${gateway.http}/metrics`, { ca: authority.certificate }),
        'response',
      )
      const line = (await text(answer)).split('\n').find((one) => one.startsWith(name))
      return Number(line?.split(' ')[1] ?? Number.NaN)
    }
    const told = async (message: string) => {
      const endMs = Date.now() + LOOKS_MS_MAX
      while (!gateway.log.some(({ msg }) => msg === message) && Date.now() < endMs) await after(100)
      t.ok(
        gateway.log.some(({ msg }) => msg === message),
        message,
      )
    }
    t.strictSame(await shown(), [first.certificate, first.certificate])
    t.ok((await metric('spillway_tls_certificate_expiry_seconds')) > 86_400 * 365)
    await writeFile(files.key, second.key)
    await told('the new certificate is not taken, the old one stays')
    t.strictSame(await shown(), [first.certificate, first.certificate])
    await write(second)
    await told('new certificate')
    t.strictSame(await shown(), [second.certificate, second.certificate])
    t.equal(await metric('spillway_tls_certificate_reads_total{outcome="broken"}'), 1)
    t.equal(await metric('spillway_tls_certificate_reads_total{outcome="renewed"}'), 1)
  },
)
