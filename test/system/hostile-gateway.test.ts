import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { ServiceError } from '@grpc/grpc-js'
import t from 'tap'
import { takeApart } from '../fuzz/parquet-parts.ts'
import { mutantOf } from '../fuzz/run-mutants.ts'
import { buildInto } from '../support/bench-build.ts'
import { federationClient } from '../support/federation-client.ts'
import { brokenFiles, goldenBytes, goldenNames } from '../support/golden-files.ts'
import { tableHash } from '../support/soak-readers.ts'
import { SOAK_SEED, soakSchema, trappingMutants } from '../support/soak-tables.ts'
import { gatewaySettings, startGatewayProcess } from '../support/start-gateway-process.ts'
import { minioBinary, startMinio } from '../support/start-minio.ts'
import { storeClient } from '../support/store-client.ts'

// `SPILLWAY_TEST_MUTANT_SECONDS=600` for more of them.
const seconds = Number(process.env['SPILLWAY_TEST_MUTANT_SECONDS'] ?? 15)
const MS_MAX = 10_000
const cache = join(import.meta.dirname, '../../.cache')
const isSkipped = minioBinary() === undefined && 'there is no minio binary: NOT TESTED'

t.test('damaged files through the whole gateway', { skip: isSkipped }, async (t) => {
  t.setTimeout(120_000 + seconds * 2_000)
  await mkdir(cache, { recursive: true })
  const folder = await mkdtemp(join(cache, 'hostile-'))
  t.teardown(() => rm(folder, { recursive: true }))
  const minio = await startMinio()
  t.teardown(() => minio.stop())
  const client = storeClient(minio)
  await client.makeBucket(soakSchema)
  const put = (table: string, bytes: Uint8Array) =>
    client.putObject(soakSchema, `tables/${table}/file.parquet`, Buffer.from(bytes))
  await put('good', goldenBytes('integers'))
  const program = join(await buildInto(folder), 'service/main.js')
  const gateway = await startGatewayProcess(gatewaySettings(minio), program)
  const reader = federationClient(gateway.grpc)
  t.teardown(async () => {
    reader.close()
    gateway.kill('SIGKILL')
    await gateway.exited
  })
  const right = await tableHash(reader, 'good')

  /** The error's code, or `rows`. */
  const outcomeOf = async (bytes: Uint8Array): Promise<string> => {
    await put('damaged', bytes)
    try {
      await tableHash(reader, 'damaged')
      return 'rows'
    } catch (reason) {
      const { metadata, details } = reason as ServiceError
      return metadata?.get('spillway-code')[0]?.toString() ?? `no code: ${details}`
    }
  }

  t.test(
    'each broken file is the error that it should be, the next good one is read',
    async (t) => {
      for (const [name, codes] of brokenFiles()) {
        const outcome = await outcomeOf(goldenBytes(`broken/${name}`))
        t.ok(
          codes.some((code) => code === outcome),
          `${name}: ${outcome}`,
        )
        t.equal(await tableHash(reader, 'good'), right, `after ${name}`)
      }
    },
  )

  t.test('mutants are rows or a typed error, the service lives', async (t) => {
    const originals = goldenNames().map((name) => ({ parts: takeApart(goldenBytes(name)) }))
    const counts: Record<string, number> = {}
    const slow: string[] = []
    const endMs = performance.now() + seconds * 1_000
    for (let turn = 0; performance.now() < endMs; turn++) {
      const number = trappingMutants[turn] ?? turn - trappingMutants.length
      const startedMs = performance.now()
      const { mutant } = mutantOf(originals, SOAK_SEED, number)
      const outcome = await outcomeOf(mutant.bytes)
      counts[outcome] = (counts[outcome] ?? 0) + 1
      if (performance.now() - startedMs > MS_MAX) slow.push(`${number}: ${mutant.what}`)
      if (turn < trappingMutants.length) t.equal(await tableHash(reader, 'good'), right)
    }
    t.comment(JSON.stringify(counts))
    const allowed = ['rows', 'unreadable_file', 'unsupported', 'too_large']
    t.strictSame(
      Object.keys(counts).filter((outcome) => !allowed.includes(outcome)),
      [],
    )
    t.strictSame(slow, [])
    t.ok((counts['unreadable_file'] ?? 0) > 0 && (counts['rows'] ?? 0) > 0)
    t.equal(await tableHash(reader, 'good'), right)
  })

  t.test('nothing of it was a defect of ours', async (t) => {
    t.equal(await gateway.stop(), 0)
    t.strictSame(
      gateway.log.filter(({ msg, code }) => msg === 'internal error' || code === 'internal'),
      [],
    )
  })
})
