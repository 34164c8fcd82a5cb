import type { ServerDuplexStream } from '@grpc/grpc-js'
import { status } from '@grpc/grpc-js'

/** What grpc-js 1.14 asks for the handler of a path; nothing: it answers UNIMPLEMENTED itself, past the interceptors. */
interface HandlerFinder {
  _retrieveHandler(path: string): unknown
}

const pass = (bytes: Buffer): Buffer => bytes

const unknownMethod = {
  type: 'bidi',
  path: '/unknown',
  serialize: pass,
  deserialize: pass,
  func: (call: ServerDuplexStream<Buffer, Buffer>) =>
    call.emit('error', { code: status.UNIMPLEMENTED, details: 'there is no such method' }),
}

/** Lets methods that there are not pass the interceptors too, so that nobody unknown learns which there are. */
export function guardUnknownMethods(server: object): void {
  if (!isFinder(server)) return
  const find = server._retrieveHandler.bind(server)
  server._retrieveHandler = (path) => find(path) ?? unknownMethod
}

function isFinder(server: object): server is HandlerFinder {
  return '_retrieveHandler' in server && typeof server._retrieveHandler === 'function'
}
