import { readFile, stat } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import t from 'tap'
import { readConfig } from '../../service/config.ts'

interface Service {
  readonly image: string
  readonly ports: readonly string[]
  readonly environment?: Readonly<Record<string, string>>
  readonly volumes?: readonly string[]
  readonly depends_on?: Readonly<Record<string, unknown>>
  readonly healthcheck?: { readonly test: readonly string[] }
}

interface Compose {
  readonly services: Readonly<Record<string, Service>>
}

interface Prometheus {
  readonly scrape_configs: readonly {
    readonly static_configs: readonly { readonly targets: readonly string[] }[]
  }[]
}

const root = resolve(import.meta.dirname, '../..')
const composeFile = join(root, 'deploy/compose/compose.yaml')
const prometheusFile = join(root, 'deploy/prometheus/prometheus.yml')

/** The YAML parser that the test runner brings along, if it does. */
const parser = 'yaml'
const parse = await import(parser).then(
  (module: { parse: (text: string) => unknown }) => module.parse,
  () => undefined,
)
const options = parse === undefined ? { skip: 'no YAML parser is installed' } : {}

t.test('compose.yaml', options, async (t) => {
  const { services } = (await yaml(composeFile)) as Compose

  t.test('names every image by an exact version', async (t) => {
    const images = Object.values(services).map(({ image }) => image)
    t.strictSame(
      images.filter((image) => !/:(local|v\d+\.\d+\.\d+|RELEASE\.[\dTZ-]+)$/.test(image)),
      [],
    )
  })

  t.test('publishes ports on this machine only', async (t) => {
    const ports = Object.values(services).flatMap((service) => service.ports)
    t.ok(ports.length > 0)
    t.strictSame(
      ports.filter((port) => !port.startsWith('127.0.0.1:')),
      [],
    )
  })

  t.test('sets the gateway to what the gateway takes, beside what the image sets', async (t) => {
    const environment = Object.entries(services['gateway']?.environment ?? {})
    const env = Object.fromEntries(environment.map(([name, value]) => [name, substituted(value)]))
    const config = readConfig({
      ...env,
      SPILLWAY_HTTP_ADDRESS: '0.0.0.0:8080',
      SPILLWAY_GRPC_ADDRESS: '0.0.0.0:8815',
    })
    t.match(config.store, { kind: 's3', url: 'http://minio:9000' })
  })

  t.test(
    'mounts files that exist and waits only for services that say when they are well',
    async (t) => {
      const all = Object.values(services)
      const mounts = all.flatMap(({ volumes = [] }) =>
        volumes.map((volume) => volume.split(':')[0] ?? ''),
      )
      const files = mounts.filter((mount) => mount.startsWith('.'))
      t.ok(files.length > 0)
      for (const file of files) t.ok((await stat(join(dirname(composeFile), file))).isFile())
      // The gateway's health check is in its image.
      const waited = all.flatMap((service) => Object.keys(service.depends_on ?? {}))
      t.strictSame(
        waited.filter((name) => name !== 'gateway' && !services[name]?.healthcheck),
        [],
      )
    },
  )

  t.test('runs what Prometheus scrapes', async (t) => {
    const { scrape_configs: jobs } = (await yaml(prometheusFile)) as Prometheus
    const targets = jobs.flatMap((job) => job.static_configs.flatMap((config) => config.targets))
    const open = Object.entries(services).flatMap(([name, service]) =>
      service.ports.map((port) => `${name}:${port.split(':').at(-1)}`),
    )
    t.ok(targets.length > 0)
    t.strictSame(
      targets.filter((target) => !open.includes(target)),
      [],
    )
  })
})

async function yaml(file: string): Promise<unknown> {
  return parse?.(await readFile(file, 'utf8'))
}

/** `${NAME:-standard}` of an empty shell. */
function substituted(value: string): string {
  return value.replaceAll(/\$\{\w+:-([^}]*)\}/g, '$1')
}
