import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { athena } from '../athena/engine.ts'
import { invokeInProcess } from '../athena/invoke.ts'
import { s3SpillReader } from '../athena/spilled-blocks.ts'
import type { Environment } from '../config.ts'
import { GatewayError } from '../errors.ts'
import { demoQueries } from './demo-queries.ts'
import { demoReads } from './demo-reads.ts'
import type { DemoStore } from './find-store.ts'
import { findStore } from './find-store.ts'
import type { GatewayProcess } from './gateway-process.ts'
import { startGatewayProcess } from './gateway-process.ts'
import type { LambdaHost } from './lambda-host.ts'
import { startLambdaHost } from './lambda-host.ts'
import { runDemoQuery } from './run-demo-query.ts'
import { ROW_GROUPS_PER_ORDERS_FILE } from './sample-data.ts'
import { demoNames, seedStore } from './seed-store.ts'

export interface DemoOptions {
  readonly env: Environment
  /** Leave everything running until Ctrl-C. */
  readonly keep: boolean
}

/** The whole product on this machine: a store, sample data, gateway, shim, and Athena's part played by us. */
export async function demo({ env, keep }: DemoOptions): Promise<number> {
  const started = performance.now()
  const cleanUp: (() => Promise<void>)[] = []
  try {
    const store = await findStore(env, projectFolder())
    cleanUp.push(() => store.stop())
    say(`store     ${store.label}, ${store.url}`)
    const tables = await seedStore(store, (key, rows) => progress(`writing ${key}, ${rows} rows`))
    for (const { name, rowCount, fileCount, bytes } of tables) {
      say(
        `table     ${demoNames.schema}.${name}: ${rowCount} rows, ${fileCount} files, ${(bytes / 1e6).toFixed(1)} MB`,
      )
    }
    const gateway = await startGatewayProcess(gatewayEnvironment(env, store))
    cleanUp.push(() => gateway.stop())
    say(`gateway   http ${gateway.http}, grpc ${gateway.grpc}`)
    const shim = await startLambdaHost(shimBundle(), shimEnvironment(env, store, gateway))
    cleanUp.push(() => shim.close())
    say(`shim      ${fileURLToPath(shimBundle())}\n`)
    await runQueries(store, gateway, { shim, tables })
    for await (const report of demoReads(gateway, inherited(env))) say(report)
    say(`all done in ${((performance.now() - started) / 1000).toFixed(1)} s`)
    if (keep) await waitForInterrupt(store, gateway)
    return 0
  } catch (reason) {
    const error = reason instanceof Error ? reason : new Error(String(reason))
    process.stderr.write(
      `\nspillway demo: ${error instanceof GatewayError ? `${error.code}: ` : ''}${error.message}\n`,
    )
    return 1
  } finally {
    for (const step of cleanUp.toReversed()) await step()
  }
}

async function runQueries(
  store: DemoStore,
  gateway: GatewayProcess,
  parts: {
    readonly shim: LambdaHost
    readonly tables: Awaited<ReturnType<typeof seedStore>>
  },
): Promise<void> {
  const spills = s3SpillReader({
    endpoint: store.url,
    credentials: { accessKeyId: store.accessKey, secretAccessKey: store.secretKey },
  })
  const engine = athena({ invoke: invokeInProcess(parts.shim.handler), spills })
  try {
    for (const query of demoQueries) {
      const bench = {
        athena: engine,
        gatewayUrl: gateway.http,
        tables: parts.tables,
        rowGroupsOf: ({ name, fileCount }: { name: string; fileCount: number }) =>
          name === 'orders' ? fileCount * ROW_GROUPS_PER_ORDERS_FILE : fileCount,
        progress,
      }
      const report = await runDemoQuery(query, bench, AbortSignal.timeout(120_000))
      progress('')
      say(report)
    }
  } finally {
    spills.close()
  }
}

function say(text: string): void {
  process.stdout.write(`${text}\n`)
}

/** One line that replaces itself, for a person at a terminal only. */
function progress(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\u001b[K${text}`)
}

/** The folder of package.json: two up in the sources, three in the build. */
function projectFolder(): string {
  const here = dirname(fileURLToPath(import.meta.url))
  const candidates = [join(here, '../..'), join(here, '../../..')]
  return candidates.find((folder) => existsSync(join(folder, 'package.json'))) ?? process.cwd()
}

function shimBundle(): URL {
  const path = join(projectFolder(), 'dist/shim-lambda/index.mjs')
  if (!existsSync(path)) throw new Error(`${path} is missing; run "npm run build"`)
  return new URL(`file://${path}`)
}

/** PATH, HOME and the like, without settings of ours that would steer the demo's own parts. */
function inherited(env: Environment): Record<string, string> {
  const entries = Object.entries(env).filter(
    (entry): entry is [string, string] =>
      entry[1] !== undefined && !entry[0].startsWith('SPILLWAY_'),
  )
  return Object.fromEntries(entries)
}

function gatewayEnvironment(env: Environment, store: DemoStore): Record<string, string> {
  return {
    ...inherited(env),
    SPILLWAY_STORE_URL: store.url,
    SPILLWAY_STORE_ACCESS_KEY: store.accessKey,
    SPILLWAY_STORE_SECRET_KEY: store.secretKey,
    SPILLWAY_TICKET_KEYS: randomBytes(32).toString('base64'),
    SPILLWAY_LOG_LEVEL: 'info',
    BUCKET_PREFIX: demoNames.bucketPrefix,
    TABLES_PATH: demoNames.tablesPath,
  }
}

function shimEnvironment(
  env: Environment,
  store: DemoStore,
  gateway: GatewayProcess,
): Record<string, string> {
  return {
    ...inherited(env),
    SPILLWAY_GATEWAY: gateway.grpc,
    SPILLWAY_SPILL_PATH_STYLE: 'true',
    AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true',
    spill_bucket: demoNames.spillBucket,
    AWS_ENDPOINT_URL_S3: store.url,
    AWS_REGION: 'us-east-1',
    AWS_ACCESS_KEY_ID: store.accessKey,
    AWS_SECRET_ACCESS_KEY: store.secretKey,
  }
}

async function waitForInterrupt(store: DemoStore, gateway: GatewayProcess): Promise<void> {
  say(`\nstill running until Ctrl-C:
  gateway  ${gateway.http}, Arrow Flight at grpc://${gateway.grpc}
  store    ${store.url}  access key ${store.accessKey}  secret key ${store.secretKey}`)
  await once(process, 'SIGINT')
}
