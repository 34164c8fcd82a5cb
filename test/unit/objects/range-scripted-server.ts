import { once } from 'node:events'
import { createServer } from 'node:net'
import type { AddressInfo, Socket } from 'node:net'
import { createServer as createTlsServer } from 'node:tls'
import type { TLSSocket } from 'node:tls'
import type { Test } from 'tap'
import { Secret } from '../../../service/credentials/secret.ts'
import type { StoreCredentials } from '../../../service/credentials/store-credentials.ts'
import { staticCredentials } from '../../../service/credentials/store-credentials.ts'
import type { ObjectStore } from '../../../service/objects/object-store.ts'
import { rangeSocketStore } from '../../../service/objects/range-socket-store.ts'
import type { RangeSocketStoreOptions } from '../../../service/objects/range-socket-store.ts'
import { testCertificate, testCertificateKey } from '../../support/embedded-certificate.ts'

/** Plays one answer; `number` counts the requests from 1. */
export type Script = (socket: Socket, request: string, number: number) => unknown

/** A store behind which a script answers, and behind that another that only counts. */
export interface Scene {
  readonly store: ObjectStore
  readonly port: number
  readonly requests: readonly string[]
  readonly connections: readonly Socket[]
  /** Reads that were handed to the store behind. */
  readonly handedOn: () => number
  /** Resolves when the client has closed all connections. */
  readonly allClosed: () => Promise<void>
}

export interface SceneOptions extends Partial<RangeSocketStoreOptions> {
  readonly secure?: boolean
  readonly credentials?: StoreCredentials
}

export const object = { bucket: 'lake', key: 'data', etag: 'abc', sizeBytes: 100 }
export const range = { start: 10, end: 20 }
export const body = '0123456789'

/** The answer a store gives to `range` of `object`, fields replaced or (by undefined) left out. */
export function answerOf(
  fields: Readonly<Record<string, string | undefined>> = {},
  { status = '206 Partial Content', text = body } = {},
): string {
  const all: Record<string, string | undefined> = {
    'Content-Length': String(text.length),
    'Content-Range': 'bytes 10-19/100',
    ETag: '"abc"',
    ...fields,
  }
  const lines = Object.entries(all).flatMap(([name, value]) =>
    value === undefined ? [] : [`${name}: ${value}\r\n`],
  )
  return `HTTP/1.1 ${status}\r\n${lines.join('')}\r\n${text}`
}

/** Whatever is read through the scene's store goes over sockets to the script. */
export async function scene(t: Test, script: Script, options: SceneOptions = {}): Promise<Scene> {
  const { secure = false, credentials = keys(), ...rest } = options
  const requests: string[] = []
  const connections: Socket[] = []
  const serve = (socket: Socket): void => {
    connections.push(socket)
    let text = ''
    socket.on('error', () => {})
    socket.on('data', (chunk: Buffer) => {
      text += chunk.toString('latin1')
      for (let end = text.indexOf('\r\n\r\n'); end >= 0; end = text.indexOf('\r\n\r\n')) {
        const request = text.slice(0, end + 4)
        text = text.slice(end + 4)
        script(socket, request, requests.push(request))
      }
    })
  }
  const pair = { key: testCertificateKey, cert: testCertificate }
  const server = secure
    ? createTlsServer(pair, (socket: TLSSocket) => serve(socket))
    : createServer(serve)
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const { port } = server.address() as AddressInfo
  let handedOn = 0
  const url = `${secure ? 'https' : 'http'}://127.0.0.1:${port}`
  const inner = {
    id: url,
    listBuckets: async () => [],
    list: async () => ({ objects: [], prefixes: [], answeredMs: 0 }),
    async read() {
      handedOn++
      return Buffer.from('handed on')
    },
    close() {},
  }
  const settings = { url, bytesMin: 1, ...rest }
  const store = rangeSocketStore(inner, settings, staticCredentials(credentials))
  t.teardown(() => {
    store.close()
    for (const socket of connections) socket.destroy()
    server.close()
  })
  return {
    store,
    port,
    requests,
    connections,
    handedOn: () => handedOn,
    allClosed: async () => void (await Promise.all(connections.map(whenClosed))),
  }
}

/** Reads the range of the object and gives it as text. */
export async function readText(store: ObjectStore, signal = anySignal()): Promise<string> {
  return Buffer.from(await store.read({ object, range }, signal)).toString('latin1')
}

export function anySignal(): AbortSignal {
  return new AbortController().signal
}

export function keys(): StoreCredentials {
  return { accessKey: 'us', secretKey: new Secret('our secret') }
}

/** Resolves when the connection is closed, in order or not. */
export async function whenClosed(socket: Socket): Promise<void> {
  if (!socket.destroyed) await new Promise((resolve) => socket.once('close', resolve))
}
