import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  CreateBucketCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  S3Client,
} from '@aws-sdk/client-s3'

export const spillAccessKey = 'spill-writer'
export const spillSecretKey = 'spill-writer-secret'
export const spillBucket = 'athena-spill'

/** A real MinIO that plays the S3 of spilled blocks. */
export interface SpillStoreServer {
  readonly url: string
  /** Keys below the prefix, sorted. */
  keys(prefix: string): Promise<string[]>
  get(key: string): Promise<Buffer>
  /** Response headers of the object that start with x-amz-meta-, and its content type. */
  metadata(key: string): Promise<Record<string, string>>
  stop(): Promise<void>
}

/** The binary of the project's cache or of PATH, else null. */
export function findMinio(): string | null {
  const folders = [
    join(import.meta.dirname, '../../.cache/bin'),
    ...(process.env['PATH'] ?? '').split(delimiter),
  ]
  return folders.map((folder) => join(folder, 'minio')).find((path) => existsSync(path)) ?? null
}

const startTimeoutMs = 30_000

/** Starts MinIO on a free port with an empty bucket `athena-spill`. */
export async function startSpillStore(minio: string): Promise<SpillStoreServer> {
  const folder = await mkdtemp(join(tmpdir(), 'spillway-spill-'))
  const port = await freePort()
  const url = `http://127.0.0.1:${port}`
  const child = spawn(minio, ['server', '--quiet', '--address', `127.0.0.1:${port}`, folder], {
    env: {
      ...process.env,
      MINIO_ROOT_USER: spillAccessKey,
      MINIO_ROOT_PASSWORD: spillSecretKey,
      MINIO_BROWSER: 'off',
      MINIO_UPDATE: 'off',
    },
    stdio: 'ignore',
  })
  const client = new S3Client({
    endpoint: url,
    region: 'us-east-1',
    forcePathStyle: true,
    credentials: { accessKeyId: spillAccessKey, secretAccessKey: spillSecretKey },
  })
  const stop = async (): Promise<void> => {
    client.destroy()
    const exited = new Promise((resolve) => child.once('exit', resolve))
    if (child.exitCode === null && child.kill()) await exited
    await rm(folder, { recursive: true, force: true })
  }
  await untilAlive(url)
  await client.send(new CreateBucketCommand({ Bucket: spillBucket }))
  return {
    url,
    async keys(prefix) {
      const command = new ListObjectsV2Command({ Bucket: spillBucket, Prefix: prefix })
      const { Contents: contents = [] } = await client.send(command)
      return contents.map(({ Key: key = '' }) => key).toSorted()
    },
    async get(key) {
      const { Body: body } = await client.send(
        new GetObjectCommand({ Bucket: spillBucket, Key: key }),
      )
      return Buffer.from((await body?.transformToByteArray()) ?? [])
    },
    async metadata(key) {
      const command = new HeadObjectCommand({ Bucket: spillBucket, Key: key })
      const { Metadata: metadata = {} } = await client.send(command)
      return metadata
    },
    stop,
  }
}

async function untilAlive(url: string): Promise<void> {
  const giveUpAtMs = Date.now() + startTimeoutMs
  for (;;) {
    const answer = await fetch(`${url}/minio/health/live`).catch(() => null)
    if (answer?.ok === true) return
    if (Date.now() > giveUpAtMs) throw new Error(`MinIO did not start at ${url}`)
    await sleep(50)
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo
      server.close(() => resolve(port))
    })
  })
}
