import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { findServer } from './find-server.ts'
import { startServer } from './start-server.ts'
import type { TestServer } from './start-server.ts'

/** The real MinIO, when there is one: `SPILLWAY_TEST_MINIO`, PATH, the project's cache. */
export function minioBinary(): string | undefined {
  return findServer('minio', process.env['SPILLWAY_TEST_MINIO'])
}

export interface StartMinioOptions {
  /** Added to the environment of MinIO. */
  readonly env?: Readonly<Record<string, string>>
  /** Default any free one. */
  readonly port?: number
}

/** Starts MinIO on an empty folder and waits until S3 requests are answered. */
export async function startMinio(options: StartMinioOptions = {}): Promise<TestServer> {
  const { env = {}, port = 0 } = options
  const binary = minioBinary()
  if (binary === undefined) throw new Error('there is no minio binary')
  const folder = await mkdtemp(join(tmpdir(), 'spillway-minio-'))
  const accessKey = 'rootuser'
  const secretKey = 'rootsecret123'
  return startServer({
    binary,
    words: `server --quiet --json --address 127.0.0.1:${port}`
      .split(' ')
      .concat(join(folder, 'data')),
    env: {
      HOME: folder,
      MINIO_ROOT_USER: accessKey,
      MINIO_ROOT_PASSWORD: secretKey,
      MINIO_BROWSER: 'off',
      MINIO_UPDATE: 'off',
      ...env,
    },
    accessKey,
    secretKey,
    urlOf: (log) => /API: (https?:\/\/127\.0\.0\.1:\d+)/.exec(log)?.[1],
    // `/live` and `/ready` say yes too early.
    isReady: async (url) => (await fetch(`${url}/minio/health/cluster`)).ok,
    cleanUp: () => rm(folder, { recursive: true, force: true }),
  })
}
