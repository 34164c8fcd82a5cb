import { spawn, spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Environment } from '../config.ts'
import { GatewayError } from '../errors.ts'
import { startEmbeddedStore } from './embedded-store.ts'

/** A store the demo may write to. */
export interface DemoStore {
  /** What it is, for the person who watches. */
  readonly label: string
  readonly url: string
  readonly accessKey: string
  readonly secretKey: string
  stop(): Promise<void>
}

/** The image of the compose file. */
const MINIO_IMAGE = 'minio/minio:RELEASE.2025-09-07T16-13-09Z'
const START_TIMEOUT_MS = 20_000
const POLL_MS = 50

/**
 * The best store at hand: `SPILLWAY_STORE_URL`, a `minio` binary (PATH or the project's cache), Docker, else the
 * embedded subset of S3.
 */
export async function findStore(env: Environment, projectFolder: string): Promise<DemoStore> {
  const url = env['SPILLWAY_STORE_URL']
  if (url !== undefined && url !== '') return configuredStore(url, env)
  const binary = minioBinary(env, projectFolder)
  if (binary !== undefined) return minioProcess(binary)
  return (await minioContainer(env)) ?? embeddedStore()
}

function configuredStore(url: string, env: Environment): DemoStore {
  const accessKey = env['SPILLWAY_STORE_ACCESS_KEY'] ?? ''
  const secretKey = env['SPILLWAY_STORE_SECRET_KEY'] ?? ''
  return { label: `the store at ${url}`, url, accessKey, secretKey, stop: async () => {} }
}

function minioBinary(env: Environment, projectFolder: string): string | undefined {
  const folders = [...(env['PATH'] ?? '').split(delimiter), join(projectFolder, '.cache/bin')]
  return folders
    .filter((folder) => folder !== '')
    .map((folder) => join(folder, 'minio'))
    .find((path) => existsSync(path))
}

function newKeys(): { accessKey: string; secretKey: string } {
  return { accessKey: 'spillway-demo', secretKey: randomBytes(24).toString('base64url') }
}

async function minioProcess(binary: string): Promise<DemoStore> {
  const folder = mkdtempSync(join(tmpdir(), 'spillway-minio-'))
  const { accessKey, secretKey } = newKeys()
  const child = spawn(
    binary,
    ['server', '--quiet', '--json', '--address', '127.0.0.1:0', join(folder, 'data')],
    {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        HOME: folder,
        MINIO_ROOT_USER: accessKey,
        MINIO_ROOT_PASSWORD: secretKey,
        MINIO_BROWSER: 'off',
        MINIO_UPDATE: 'off',
      },
    },
  )
  const exited = new Promise<void>((resolve) => {
    child.once('exit', () => resolve())
    child.once('error', () => resolve())
  })
  let heard = ''
  for (const stream of [child.stdout, child.stderr]) {
    // Only the first lines hold the address; later ones are read and forgotten.
    stream.on('data', (chunk: Buffer) => (heard = `${heard}${chunk.toString()}`.slice(0, 16_384)))
  }
  const stop = async () => {
    child.kill('SIGTERM')
    await exited
    rmSync(folder, { recursive: true, force: true })
  }
  try {
    const url = await whenHealthy(() => /API: (https?:\/\/127\.0\.0\.1:\d+)/.exec(heard)?.[1])
    return { label: `MinIO (${binary})`, url, accessKey, secretKey, stop }
  } catch (error) {
    await stop()
    throw error
  }
}

/** MinIO's `/live` and `/ready` say yes too early; only `/cluster` means that S3 requests are answered. */
async function whenHealthy(address: () => string | undefined): Promise<string> {
  const deadlineMs = Date.now() + START_TIMEOUT_MS
  while (Date.now() < deadlineMs) {
    const url = address()
    if (url !== undefined && (await isHealthy(url))) return url
    await sleep(POLL_MS)
  }
  throw new GatewayError('unavailable', `MinIO did not start within ${START_TIMEOUT_MS} ms`)
}

async function isHealthy(url: string): Promise<boolean> {
  try {
    return (await fetch(`${url}/minio/health/cluster`)).ok
  } catch {
    return false
  }
}

async function minioContainer(env: Environment): Promise<DemoStore | undefined> {
  const docker = (words: readonly string[]) =>
    spawnSync('docker', words, { env: { ...env }, encoding: 'utf8', timeout: 180_000 })
  if (docker(['info']).status !== 0) return undefined
  const { accessKey, secretKey } = newKeys()
  const keys = [`MINIO_ROOT_USER=${accessKey}`, `MINIO_ROOT_PASSWORD=${secretKey}`]
  const started = docker(
    ['run', '--detach', '--rm', '--publish', '127.0.0.1::9000'].concat(
      keys.flatMap((key) => ['--env', key]),
      [MINIO_IMAGE, 'server', '/data'],
    ),
  )
  if (started.status !== 0) return undefined
  const id = started.stdout.trim()
  const port = docker(['port', id, '9000']).stdout.trim().split('\n')[0]
  const stop = async () => {
    docker(['stop', id])
  }
  try {
    const url = await whenHealthy(() => `http://${port}`)
    return { label: `MinIO (Docker, ${MINIO_IMAGE})`, url, accessKey, secretKey, stop }
  } catch {
    await stop()
    return undefined
  }
}

async function embeddedStore(): Promise<DemoStore> {
  const { accessKey, secretKey } = newKeys()
  const store = await startEmbeddedStore({ accessKey, secretKey })
  const label = 'the embedded S3 subset (no MinIO binary, no Docker found)'
  return { label, url: store.url, accessKey, secretKey, stop: () => store.close() }
}
