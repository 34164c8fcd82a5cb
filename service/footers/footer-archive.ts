import { createHash, randomUUID } from 'node:crypto'
import { mkdir, readdir, readFile, rename, rm, stat, unlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import { setTimeout } from 'node:timers/promises'
import { GatewayError } from '../errors.ts'
import { openRecord, sealRecord } from './footer-archive-record.ts'

export interface FooterArchiveOptions {
  /** The operator's folder; what is kept lies in one folder of our own inside it. */
  readonly directory: string
  /** Bytes on the disk, in blocks of 4 KiB. */
  readonly bytesMax: number
  /** Default: 2 s. A disk that takes longer to answer is not waited for, nor asked again for a while. */
  readonly readTimeoutMs?: number
}

export interface FooterArchiveCounters {
  readonly hits: number
  readonly misses: number
  /** Records dropped because they were not what was written. */
  readonly damaged: number
  /** Records that were not written: the queue was full, or the disk said no. */
  readonly unwritten: number
  /** Reads that the disk did not answer in time. */
  readonly slow: number
  readonly records: number
  /** On the disk, in whole blocks. */
  readonly bytes: number
}

/** What the archive's users need of it. Nothing here fails: what cannot be had is not there. */
export interface RecordArchive {
  get(name: string): Promise<Uint8Array | undefined>
  /** Writes behind; the bytes must not change any more. */
  put(name: string, bytes: Uint8Array): void
  /** The record is not what its reader takes: forget it and count it. */
  discard(name: string): void
}

/** Changes when the layout of records or of what is in them does; folders of other versions are removed. */
const FOLDER = 'spillway-records-v1'
const folderPattern = /^spillway-records-v\d+$/
/** Records lie in folders of a hexadecimal digit, that none of them becomes too large. */
const FANOUT = Array.from({ length: 16 }, (_, at) => at.toString(16))
const recordPattern = /^[0-9a-f]{64}$/
const temporaryPattern = /^[0-9a-f]{64}\.[0-9a-f-]{36}\.tmp$/
/** A temporary file that is older than this was left by a process that died. */
const TEMPORARY_MS_MAX = 60_000

const BLOCK_BYTES = 4096
/** Files that are read at the same time: more than the four threads that do it only wait. */
const READS_MAX = 16
/** Reads that wait; who comes later asks the store instead. */
const READS_WAITING_MAX = 1_000
const WRITES_WAITING_BYTES_MAX = 64 * 1024 * 1024
const READ_TIMEOUT_MS = 2_000
/** How long a disk that did not answer is left alone. */
const SLOW_PAUSE_MS = 10_000

/**
 * Records by name on a disk, such as footers, so that they survive a restart. A record is written whole under another
 * name and then renamed, and is checked when it is read: what a killed process, another version or a broken disk left
 * is dropped and counted. Several processes may share a folder. The disk may be slow, full or gone: then records are
 * not there. When the bound is reached the longest unused go first.
 */
export class FooterArchive implements RecordArchive {
  readonly #options: FooterArchiveOptions
  readonly #folder: string
  /** Bytes by file name, the longest unused first. */
  readonly #sizes = new Map<string, number>()
  readonly #waitingWrites = new Map<string, { readonly name: string; readonly bytes: Uint8Array }>()
  #waitingBytes = 0
  #readsUnderWay = 0
  #pausedUntilMs = Number.NEGATIVE_INFINITY
  readonly #readsWaiting: (() => void)[] = []
  #writing: Promise<void> | undefined
  #dropping: Promise<unknown> = Promise.resolve()
  readonly #indexed: Promise<void>
  #isClosed = false
  #bytes = 0
  #hits = 0
  #misses = 0
  #damaged = 0
  #unwritten = 0
  #slow = 0

  private constructor(options: FooterArchiveOptions) {
    this.#options = options
    this.#folder = join(options.directory, FOLDER)
    this.#indexed = this.#index().catch(() => {})
  }

  /** @throws {GatewayError} `unavailable` the folder cannot be made or written. */
  static async open(options: FooterArchiveOptions): Promise<FooterArchive> {
    const folder = join(options.directory, FOLDER)
    const probe = join(folder, `${randomUUID()}.probe`)
    try {
      // What footers say of data is nobody else's business.
      await mkdir(folder, { recursive: true, mode: 0o700 })
      for (const name of FANOUT) await mkdir(join(folder, name), { recursive: true, mode: 0o700 })
      await writeFile(probe, '')
      await unlink(probe)
    } catch (cause) {
      throw new GatewayError(
        'unavailable',
        `cannot write below ${options.directory}, the folder of the cache; make it writable or name another one`,
        { cause },
      )
    }
    return new FooterArchive(options)
  }

  get counters(): FooterArchiveCounters {
    return {
      hits: this.#hits,
      misses: this.#misses,
      damaged: this.#damaged,
      unwritten: this.#unwritten,
      slow: this.#slow,
      records: this.#sizes.size,
      bytes: this.#bytes,
    }
  }

  async get(name: string): Promise<Uint8Array | undefined> {
    const file = fileName(name)
    const waiting = this.#waitingWrites.get(file)
    if (waiting) {
      this.#hits += 1
      return waiting.bytes
    }
    const sealed = await this.#readInTime(file)
    const record = sealed && openRecord(sealed, name)
    if (record) {
      this.#hits += 1
      this.#touch(file)
      return record
    }
    this.#misses += 1
    if (sealed) this.#drop(file)
    return undefined
  }

  put(name: string, bytes: Uint8Array): void {
    const file = fileName(name)
    const before = this.#waitingWrites.get(file)?.bytes.length ?? 0
    const waitingBytes = this.#waitingBytes - before + bytes.length
    if (this.#isClosed || waitingBytes > WRITES_WAITING_BYTES_MAX) {
      this.#unwritten += 1
      return
    }
    this.#waitingWrites.set(file, { name, bytes })
    this.#waitingBytes = waitingBytes
    this.#writing ??= this.#writeAll().finally(() => {
      this.#writing = undefined
    })
  }

  discard(name: string): void {
    this.#hits -= 1
    this.#misses += 1
    this.#drop(fileName(name))
  }

  /** Waits until what is under way is written. Records that come later are not. */
  async close(): Promise<void> {
    this.#isClosed = true
    await Promise.all([this.#indexed, this.#writing, this.#dropping])
  }

  #pathOf(file: string): string {
    return join(this.#folder, file.slice(0, 1), file)
  }

  #drop(file: string): void {
    this.#damaged += 1
    this.#remove(file)
    // What is put under this name is written after that.
    const gone = unlink(this.#pathOf(file)).catch(() => {})
    this.#dropping = Promise.all([this.#dropping, gone])
  }

  async #readInTime(file: string): Promise<Uint8Array | undefined> {
    const isPaused = performance.now() < this.#pausedUntilMs
    if (isPaused || this.#readsWaiting.length >= READS_WAITING_MAX) return undefined
    const left = new AbortController()
    const timeoutMs = this.#options.readTimeoutMs ?? READ_TIMEOUT_MS
    const late = setTimeout(timeoutMs, 'late' as const, { signal: left.signal }).catch(() => {})
    const answer = await Promise.race([this.#read(file), late])
    left.abort()
    if (answer !== 'late') return answer ?? undefined
    this.#slow += 1
    this.#pausedUntilMs = performance.now() + SLOW_PAUSE_MS
    return undefined
  }

  async #read(file: string): Promise<Uint8Array | undefined> {
    if (this.#readsUnderWay >= READS_MAX) {
      await new Promise<void>((resolve) => this.#readsWaiting.push(resolve))
    } else {
      this.#readsUnderWay += 1
    }
    try {
      return await readFile(this.#pathOf(file))
    } catch {
      return undefined
    } finally {
      const next = this.#readsWaiting.shift()
      if (next) next()
      else this.#readsUnderWay -= 1
    }
  }

  async #writeAll(): Promise<void> {
    await this.#indexed
    for (const [file, { name, bytes }] of this.#waitingWrites) {
      const isWritten = await this.#write(file, sealRecord(name, bytes))
      if (!isWritten) this.#unwritten += 1
      // Put again meanwhile: it stands at the end and is written again.
      if (this.#waitingWrites.get(file)?.bytes !== bytes) continue
      this.#waitingWrites.delete(file)
      this.#waitingBytes -= bytes.length
    }
  }

  async #write(file: string, sealed: Uint8Array): Promise<boolean> {
    if (blocksOf(sealed.length) > this.#options.bytesMax) return false
    await this.#dropping
    const path = this.#pathOf(file)
    const temporary = `${path}.${randomUUID()}.tmp`
    try {
      await writeFile(temporary, sealed, { mode: 0o600 })
      await rename(temporary, path)
    } catch {
      await rm(temporary, { force: true }).catch(() => {})
      return false
    }
    this.#remove(file)
    this.#add(file, sealed.length)
    await this.#shrink()
    return true
  }

  async #shrink(): Promise<void> {
    for (const file of this.#sizes.keys()) {
      if (this.#bytes <= this.#options.bytesMax) return
      this.#remove(file)
      await unlink(this.#pathOf(file)).catch(() => {})
    }
  }

  #add(file: string, bytes: number): void {
    this.#sizes.set(file, blocksOf(bytes))
    this.#bytes += blocksOf(bytes)
  }

  #remove(file: string): void {
    this.#bytes -= this.#sizes.get(file) ?? 0
    this.#sizes.delete(file)
  }

  #touch(file: string): void {
    const bytes = this.#sizes.get(file)
    if (bytes === undefined) return
    this.#sizes.delete(file)
    this.#sizes.set(file, bytes)
  }

  /** Learns what earlier processes left and cleans up after them. */
  async #index(): Promise<void> {
    const { directory } = this.#options
    for (const name of await readdir(directory)) {
      if (!folderPattern.test(name) || name === FOLDER) continue
      await rm(join(directory, name), { recursive: true, force: true }).catch(() => {})
    }
    const found: { file: string; bytes: number; modifiedMs: number }[] = []
    for (const inner of FANOUT) {
      for (const file of await readdir(join(this.#folder, inner)).catch(() => [])) {
        const path = join(this.#folder, inner, file)
        const facts = await stat(path).catch(() => undefined)
        if (!facts) continue
        const isOld = Date.now() - facts.mtimeMs > TEMPORARY_MS_MAX
        if (recordPattern.test(file)) {
          found.push({ file, bytes: facts.size, modifiedMs: facts.mtimeMs })
        } else if (temporaryPattern.test(file) && isOld) {
          await unlink(path).catch(() => {})
        }
      }
    }
    for (const { file, bytes } of found.toSorted((a, b) => a.modifiedMs - b.modifiedMs)) {
      this.#add(file, bytes)
    }
    await this.#shrink()
  }
}

function fileName(name: string): string {
  return createHash('sha256').update(name).digest('hex')
}

function blocksOf(bytes: number): number {
  return Math.ceil(bytes / BLOCK_BYTES) * BLOCK_BYTES
}
