import { statSync } from 'node:fs'
import type { BigIntStats } from 'node:fs'
import { open } from 'node:fs/promises'
import { setTimeout as after } from 'node:timers/promises'
import { GatewayError } from '../errors.ts'
import { Secret } from './secret.ts'

export interface TokenFileOptions {
  readonly path: string
  readonly nowMs: () => number
  /** Resolves after so long. Default: real time. */
  readonly wait?: (ms: number, signal: AbortSignal) => Promise<unknown>
}

/** A token that may be good. */
export interface FileToken {
  readonly token: Secret
  /** When it ends by its own word, milliseconds since the epoch; absent: it does not say. */
  readonly endsMs: number | undefined
}

/** Tokens with many groups take some kilobytes. */
const TOKEN_BYTES_MAX = 64 << 10
/** The owner may be about to replace it: so long it is looked at again, so often. */
const PATIENCE_MS = 2_000
const LOOK_MS = 100
/** Ended by our clock for less than this: the STS has the last word, its clock may be behind. */
const CLOCK_SKEW_MS = 30_000
/** When to ask again about a token that only its owner can renew. */
const RETRY_AFTER_MS = 5_000

/**
 * A web identity token in a file that another program owns. It is opened for reading only, whole each time, and never
 * renewed: with a token that has ended, all there is to do is to wait for the owner.
 */
export class TokenFile {
  readonly #options: TokenFileOptions
  /** Of the file as it was last read. */
  #mark = ''

  constructor(options: TokenFileOptions) {
    this.#options = options
  }

  get path(): string {
    return this.#options.path
  }

  /** Whether the file is another one than was read last. */
  changed(): boolean {
    return markNow(this.#options.path) !== this.#mark
  }

  /**
   * The token as it is now; one that is missing, half written or over is looked at again for a moment.
   *
   * @throws {GatewayError} `unavailable` there is none that is good; `cancelled` the signal aborted.
   */
  async read(signal: AbortSignal): Promise<FileToken> {
    const { nowMs, wait = sleep } = this.#options
    for (let waitedMs = 0; ; waitedMs += LOOK_MS) {
      const found = await this.#look()
      if (typeof found !== 'string' && !isOver(found, nowMs())) return found
      if (waitedMs >= PATIENCE_MS)
        throw typeof found === 'string' ? this.#unavailable(found) : this.ended(found)
      await wait(LOOK_MS, signal)
    }
  }

  /** Waits a moment for the owner to write; false: nothing was written. */
  async awaitChange(signal: AbortSignal): Promise<boolean> {
    const { wait = sleep } = this.#options
    for (let waitedMs = 0; !this.changed(); waitedMs += LOOK_MS) {
      if (waitedMs >= PATIENCE_MS) return false
      await wait(LOOK_MS, signal)
    }
    return true
  }

  /** The error about a token that has ended. */
  ended({ endsMs = 0 }: FileToken): GatewayError {
    return this.#unavailable(`ended at ${new Date(endsMs).toISOString()}`)
  }

  #unavailable(what: string): GatewayError {
    return new GatewayError(
      'unavailable',
      `the token in ${this.path} ${what}; the program that owns the file must write a new one, it is read as soon as the file changes`,
      { retryAfterMs: RETRY_AFTER_MS },
    )
  }

  /** The token, or what is wrong with the file. */
  async #look(): Promise<FileToken | string> {
    this.#mark = ''
    try {
      await using file = await open(this.path, 'r')
      // Before reading: what is written meanwhile counts as a change.
      const stats = await file.stat({ bigint: true })
      this.#mark = markOf(stats)
      if (stats.size > TOKEN_BYTES_MAX) return `has more than ${TOKEN_BYTES_MAX} bytes`
      const text = (await file.readFile('utf8')).trim()
      if (text === '') return 'is empty'
      // Anything else would not be one token.
      if (!/^[\x21-\x7e]+$/.test(text)) return 'is not one word of plain text'
      return { token: new Secret(text), endsMs: tokenEndMs(text) }
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error'
      return `cannot be read (${code})`
    }
  }
}

/** When a JWT ends by its own word, milliseconds since the epoch. Nothing is verified: that is the STS's part. */
export function tokenEndMs(token: string): number | undefined {
  const [, payload, signature] = token.split('.')
  if (payload === undefined || signature === undefined) return undefined
  try {
    const claims: unknown = JSON.parse(Buffer.from(payload, 'base64url').toString('utf8'))
    if (typeof claims !== 'object' || claims === null || !('exp' in claims)) return undefined
    return typeof claims.exp === 'number' ? claims.exp * 1_000 : undefined
  } catch {
    // An opaque token: only the STS can tell.
    return undefined
  }
}

function isOver({ endsMs }: FileToken, nowMs: number): boolean {
  return endsMs !== undefined && nowMs - endsMs >= CLOCK_SKEW_MS
}

/** Another one for each writing, also by replacing the file. */
function markOf({ mtimeNs, size, ino }: BigIntStats): string {
  return `${mtimeNs} ${size} ${ino}`
}

/** Empty: there is no such file, or none that we may see. */
function markNow(path: string): string {
  try {
    return markOf(statSync(path, { bigint: true }))
  } catch {
    return ''
  }
}

async function sleep(ms: number, signal: AbortSignal): Promise<void> {
  try {
    await after(ms, undefined, { signal })
  } catch {
    throw GatewayError.from(signal.reason)
  }
}
