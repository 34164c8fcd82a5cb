import { createHash } from 'node:crypto'
import type { FSWatcher } from 'node:fs'
import { watch } from 'node:fs'
import { open } from 'node:fs/promises'
import { dirname } from 'node:path'
import { GatewayError } from '../errors.ts'
import { bearerToken } from './bearer-token.ts'
import type { Caller, Identify, ShownCredentials } from './caller.ts'
import type { KnownCaller } from './callers-file.ts'
import { parseCallersFile } from './callers-file.ts'
import type { SessionScope } from './session-policy.ts'
import { identifyCertificate } from './identify-certificate.ts'
import type { KeyedIssuer } from './identify-jwt.ts'
import { callersOfJwt, isJwt } from './identify-jwt.ts'
import { identifyToken, notKnown } from './identify-token.ts'
import { issuerKeys } from './issuer-keys.ts'

export interface CallersOptions {
  readonly path: string
  readonly nowMs: () => number
  /** Callers read with sessions of their own, of tables that lie there; absent: they do not. */
  readonly sessions?: SessionScope
  /** Told at once of a file that is no good; who was known stays known. */
  readonly onBroken: (error: GatewayError) => void
  /** Told when what the file says is in use. */
  readonly onLoaded: (callerCount: number) => void
}

/** A thousand callers take a few hundred kilobytes. */
const FILE_BYTES_MAX = 4 << 20
/** The file is looked at so often, also where nobody tells of changes (network drives, mounted secrets). */
const LOOK_MS = 1_000
/** Several changes at once are one. */
const SETTLE_MS = 50

/** What a file said when it was read. */
interface Loaded {
  readonly callers: readonly KnownCaller[]
  readonly byName: ReadonlyMap<string, Caller>
  readonly issuers: readonly KeyedIssuer[]
}

/**
 * Who may call, from a file that is read again when it changes. What runs goes on; whoever calls next is met by the new
 * file. One that is no good changes nothing, for an editor's slip must not lock everybody out; until it is mended, who
 * was struck off is still let in, so it is told loudly.
 */
export class Callers {
  readonly #options: CallersOptions
  #loaded: Loaded
  /** Of the bytes last looked at, good or not. */
  #mark: string
  #isBroken = false
  #looking: Promise<void> | undefined
  readonly #timer: NodeJS.Timeout
  readonly #watcher: FSWatcher | undefined

  private constructor(options: CallersOptions, loaded: Loaded, mark: string) {
    this.#options = options
    this.#loaded = loaded
    this.#mark = mark
    this.#timer = setInterval(() => void this.look(), LOOK_MS).unref()
    this.#watcher = watchFolder(options.path, () => this.#lookSoon())
  }

  /** @throws {GatewayError} `invalid_request` all that is wrong with the file; `unavailable` it cannot be read. */
  static async open(options: CallersOptions): Promise<Callers> {
    const text = await readText(options.path)
    const loaded = await load(text, options)
    options.onLoaded(loaded.callers.length)
    return new Callers(options, loaded, markOf(text))
  }

  /** Whether the file of now is no good, so that an older one is in use. */
  get isBroken(): boolean {
    return this.#isBroken
  }

  readonly identify: Identify = async (shown) => {
    const bearer = bearerToken(shown)
    if (bearer === undefined) return this.#byCertificate(shown)
    const loaded = this.#loaded
    const nowMs = this.#options.nowMs()
    const caller =
      identifyToken(loaded.callers, bearer.token, nowMs) ??
      (isJwt(bearer.token) ? await callerOfJwt(loaded, bearer.token, nowMs) : undefined)
    const isOther = bearer.caller !== undefined && bearer.caller !== caller?.name
    if (caller === undefined || isOther) throw notKnown()
    return caller
  }

  /** Reads the file again, and takes what it says if that is good. */
  look(): Promise<void> {
    this.#looking ??= this.#look().finally(() => {
      this.#looking = undefined
    })
    return this.#looking
  }

  close(): void {
    clearInterval(this.#timer)
    this.#watcher?.close()
  }

  async #look(): Promise<void> {
    const { path, onBroken, onLoaded } = this.#options
    let mark = 'unreadable'
    try {
      const text = await readText(path)
      mark = markOf(text)
      if (mark === this.#mark) return
      this.#loaded = await load(text, this.#options)
      this.#isBroken = false
      onLoaded(this.#loaded.callers.length)
    } catch (reason) {
      if (mark === this.#mark) return
      this.#isBroken = true
      onBroken(GatewayError.from(reason))
    } finally {
      this.#mark = mark
    }
  }

  #lookSoon(): void {
    setTimeout(() => void this.look(), SETTLE_MS).unref()
  }

  #byCertificate({ certificateNames }: ShownCredentials): Caller {
    const caller = identifyCertificate(this.#loaded.callers, certificateNames ?? [])
    if (caller !== undefined) return caller
    if (certificateNames !== undefined) throw notKnown()
    throw new GatewayError(
      'unauthenticated',
      'who calls is not told; send "authorization: Bearer <token>" or Basic <caller>:<token>',
    )
  }
}

async function callerOfJwt(
  { issuers, byName }: Loaded,
  token: Parameters<typeof callersOfJwt>[1],
  nowMs: number,
): Promise<Caller | undefined> {
  const names = await callersOfJwt(issuers, token, nowMs)
  return names.map((name) => byName.get(name)).find((caller) => caller !== undefined)
}

async function load(text: string, { path, sessions }: CallersOptions): Promise<Loaded> {
  const { callers, issuers } = parseCallersFile(text, path, sessions)
  const keyed = issuers.map(async (issuer) => ({
    ...issuer,
    keys: await issuerKeys(issuer.jwks, path),
  }))
  const byName = new Map(callers.map(({ caller }) => [caller.name, caller]))
  return { callers, byName, issuers: await Promise.all(keyed) }
}

async function readText(path: string): Promise<string> {
  try {
    await using file = await open(path, 'r')
    const { size } = await file.stat()
    if (size > FILE_BYTES_MAX) throw unreadable(path, `it has more than ${FILE_BYTES_MAX} bytes`)
    return await file.readFile('utf8')
  } catch (error) {
    if (error instanceof GatewayError) throw error
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error'
    throw unreadable(path, code)
  }
}

function unreadable(path: string, why: string): GatewayError {
  return new GatewayError('unavailable', `the callers file ${path} cannot be read (${why})`)
}

function markOf(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}

/** The folder, for files are replaced by others of their name; undefined: the looks must do. */
function watchFolder(path: string, changed: () => void): FSWatcher | undefined {
  try {
    const watcher = watch(dirname(path), { persistent: false }, changed)
    return watcher.on('error', () => watcher.close())
  } catch {
    // Too many watches, or a file system that has none.
    return undefined
  }
}
