import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { findServer } from './find-server.ts'
import { freePort } from './free-port.ts'
import { startServer } from './start-server.ts'
import type { TestServer } from './start-server.ts'

/** The second S3 server, when there is one: `SPILLWAY_TEST_VERSITYGW`, PATH, the project's cache. */
export function versitygwBinary(): string | undefined {
  return findServer('versitygw', process.env['SPILLWAY_TEST_VERSITYGW'])
}

/** Starts versitygw over an empty folder. */
export async function startVersitygw(): Promise<TestServer> {
  const binary = versitygwBinary()
  if (binary === undefined) throw new Error('there is no versitygw binary')
  const folder = await mkdtemp(join(tmpdir(), 'spillway-versitygw-'))
  await mkdir(join(folder, 'data'))
  const accessKey = 'rootuser'
  const secretKey = 'rootsecret123'
  const address = `127.0.0.1:${await freePort()}`
  return startServer({
    binary,
    words: `--port ${address} --quiet --keep-alive posix`.split(' ').concat(join(folder, 'data')),
    env: { HOME: folder, ROOT_ACCESS_KEY: accessKey, ROOT_SECRET_KEY: secretKey },
    accessKey,
    secretKey,
    urlOf: () => `http://${address}`,
    // Any answer will do, also that the request is not signed.
    isReady: async (url) => (await fetch(url)).status < 500,
    cleanUp: () => rm(folder, { recursive: true, force: true }),
  })
}
