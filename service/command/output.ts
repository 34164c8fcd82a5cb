import { once } from 'node:events'
import { createWriteStream } from 'node:fs'
import { rename, rm } from 'node:fs/promises'
import type { Writable } from 'node:stream'
import { GatewayError } from '../errors.ts'

/** Where the answer of a command goes. */
export interface Output {
  /** Resolves when there is room for more; false when nobody reads any more. */
  write(bytes: Uint8Array | string): Promise<boolean>
  /** Makes the file appear. */
  finish(): Promise<void>
  /** Leaves nothing behind. Harmless after `finish`. */
  discard(): Promise<void>
}

/** Standard output. A reader that has enough (`head`) is no error. */
export function standardOutput(stream: Writable = process.stdout): Output {
  let isOpen = true
  stream.once('error', () => {
    isOpen = false
  })
  return {
    async write(bytes) {
      if (!isOpen) return false
      if (bytes.length === 0 || stream.write(bytes)) return true
      await Promise.race([once(stream, 'drain'), once(stream, 'close')]).catch(() => undefined)
      return isOpen
    },
    async finish() {},
    async discard() {},
  }
}

/**
 * A file that appears when it is whole: it is written beside its place and renamed.
 *
 * @throws {GatewayError} `invalid_request` it cannot be written there.
 */
export function fileOutput(path: string): Output {
  const beside = `${path}.${process.pid}.part`
  const stream = createWriteStream(beside, { flags: 'wx' })
  let failure: Error | undefined
  stream.on('error', (error) => {
    failure ??= error
  })
  const failed = () =>
    new GatewayError('invalid_request', `${path} cannot be written: ${failure?.message ?? ''}`, {
      cause: failure,
    })
  const settled = (settle: (done: () => void) => void) =>
    new Promise<void>((resolve, reject) => {
      const refuse = () => reject(failed())
      if (failure) return refuse()
      stream.once('error', refuse)
      settle(() => {
        stream.off('error', refuse)
        resolve()
      })
      return undefined
    })
  return {
    async write(bytes) {
      if (bytes.length > 0) await settled((done) => void stream.write(bytes, () => done()))
      return true
    },
    async finish() {
      await settled((done) => void stream.end(() => done()))
      await rename(beside, path)
    },
    async discard() {
      stream.destroy()
      await rm(beside, { force: true })
    },
  }
}
