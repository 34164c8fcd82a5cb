import { Writable } from 'node:stream'
import type { Client } from 'minio'
import { pino } from 'pino'
import type { Athena, AthenaOptions } from '../../service/athena/engine.ts'
import { athena } from '../../service/athena/engine.ts'
import { invokeInProcess } from '../../service/athena/invoke.ts'
import { s3SpillReader } from '../../service/athena/spilled-blocks.ts'
import { composeGateway } from '../../service/compose.ts'
import { readConfig } from '../../service/config.ts'
import { createHandler } from '../../shim-lambda/handler.ts'
import { startStore } from './start-store.ts'
import type { StoreKeys } from './store-client.ts'
import { storeClient } from './store-client.ts'

export const spillBucket = 'test-spill'

/** MinIO, gateway and shim, wired as in production; Athena's part is played by the engine. */
export interface Stack {
  readonly store: StoreKeys
  readonly client: Client
  readonly http: string
  readonly grpc: string
  /** Lines the gateway logged. */
  readonly log: readonly string[]
  readonly handler: ReturnType<typeof createHandler>
  /** An engine that asks this stack's shim. */
  engine(options?: Partial<AthenaOptions>): Athena
  close(): Promise<void>
}

export interface StackOptions {
  readonly gateway?: Readonly<Record<string, string>>
  readonly shim?: Readonly<Record<string, string>>
  /** Default: one of its own. */
  readonly store?: StoreKeys
}

export async function startStack(options: StackOptions = {}): Promise<Stack> {
  const own = options.store ? undefined : await startStore()
  const store = options.store ?? own
  if (!store) throw new Error('there is no store')
  const { url, accessKey, secretKey } = store
  const client = storeClient(store)
  if (!(await client.bucketExists(spillBucket))) await client.makeBucket(spillBucket)
  const log: string[] = []
  const gateway = await startGateway({ log, store, environment: options.gateway ?? {} })
  const handler = createHandler({
    environment: {
      SPILLWAY_GATEWAY: gateway.grpc,
      SPILLWAY_SPILL_PATH_STYLE: 'true',
      spill_bucket: spillBucket,
      ...options.shim,
    },
    log: (line) => void log.push(line),
  })
  Object.assign(process.env, {
    AWS_ENDPOINT_URL_S3: url,
    AWS_REGION: 'us-east-1',
    AWS_ACCESS_KEY_ID: accessKey,
    AWS_SECRET_ACCESS_KEY: secretKey,
    AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true',
  })
  const credentials = { accessKeyId: accessKey, secretAccessKey: secretKey }
  const spills = s3SpillReader({ endpoint: url, credentials })
  return {
    store,
    client,
    log,
    handler,
    http: gateway.http,
    grpc: gateway.grpc,
    engine: (more) => athena({ invoke: invokeInProcess(handler), spills, ...more }),
    close: async () => {
      spills.close()
      handler.close()
      await gateway.close()
      await own?.stop()
    },
  }
}

async function startGateway(parts: {
  readonly log: string[]
  readonly store: StoreKeys
  readonly environment: Readonly<Record<string, string>>
}) {
  const sink = new Writable({
    write(chunk: Buffer, _, done) {
      parts.log.push(chunk.toString())
      done()
    },
  })
  const config = readConfig({
    SPILLWAY_STORE_URL: parts.store.url,
    SPILLWAY_STORE_ACCESS_KEY: parts.store.accessKey,
    SPILLWAY_STORE_SECRET_KEY: parts.store.secretKey,
    SPILLWAY_HTTP_ADDRESS: '127.0.0.1:0',
    SPILLWAY_GRPC_ADDRESS: '127.0.0.1:0',
    SPILLWAY_LISTING_TTL: '0s',
    TABLES_PATH: 'tables',
    ...parts.environment,
  })
  const gateway = await composeGateway(config, {
    log: pino({ level: 'debug' }, sink),
    version: 'test',
  })
  const { http, grpc } = await gateway.listen()
  return { http, grpc, close: () => gateway.close() }
}
