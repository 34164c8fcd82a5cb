import { GatewayError } from '../errors.ts'

export interface AdmissionLimits {
  /** Bytes of all row groups in flight. */
  readonly bytesMax: number
  /** Scans that wait for their first row group; who comes then is told `busy`. */
  readonly waitingMax: number
  /** How long a scan waits for its first row group before it is told `busy`. */
  readonly waitMsMax: number
}

const GIB = 1024 * 1024 * 1024

/**
 * A thousand waiting scans are far more than a gateway serves in half a minute, and who waits longer than that has
 * better chances at another gateway.
 */
export const admissionLimits: AdmissionLimits = {
  bytesMax: 4 * GIB,
  waitingMax: 1_000,
  waitMsMax: 30_000,
}

/** What `busy` tells the caller to wait. */
const RETRY_AFTER_MS = 2_000

/** Reading ahead uses no more than this share; the rest is for scans that have nothing in flight. */
const AHEAD_SHARE = 0.5

interface Waiter {
  readonly share: AdmissionShare
  readonly bytes: number
  start(): void
}

/** One scan's row groups in flight, the oldest first. */
export class AdmissionShare {
  readonly held: number[] = []
  /** Rows of row groups that are done, which wait for others to fill a frame with. */
  queuedBytes = 0
  /** Whether it ever got anything: it is not told `busy` any more. */
  isAdmitted = false
  readonly #admission: Admission

  constructor(admission: Admission) {
    this.#admission = admission
  }

  /**
   * Waits until the bytes may be used.
   *
   * @param source names the row group
   * @throws {GatewayError} `too_large` more than there is at all; `busy` too many wait, or it took too long;
   *   `cancelled` the signal aborted.
   */
  reserve(bytes: number, source: string, signal: AbortSignal): Promise<void> {
    return this.#admission.reserve({ share: this, bytes, source }, signal)
  }

  /** The oldest row group takes no more than so many bytes, now that it is known. */
  lessen(bytes: number): void {
    const [oldest = 0] = this.held
    if (bytes >= oldest) return
    this.held[0] = bytes
    this.#admission.serve()
  }

  /** The oldest row group is done, but for so many bytes of all rows so far. */
  giveBack(queuedBytes = 0): void {
    this.held.shift()
    this.queuedBytes = queuedBytes
    this.#admission.serve()
  }

  /** All of them are. */
  giveBackAll(): void {
    this.held.splice(0)
    this.queuedBytes = 0
    this.#admission.serve()
  }
}

/** What is asked for. */
interface Wish {
  readonly share: AdmissionShare
  readonly bytes: number
  readonly source: string
}

/**
 * Lets row groups in as long as there is memory for them. Scans that have nothing in flight come first, those that were
 * begun before others, in the order they came; then those who want to read ahead. Who is first waits for enough, and nobody overtakes: large row
 * groups are served too.
 */
export class Admission {
  readonly #limits: AdmissionLimits
  readonly #shares = new Set<AdmissionShare>()
  readonly #waiters = new Set<Waiter>()

  constructor(limits: Partial<AdmissionLimits> = {}) {
    this.#limits = { ...admissionLimits, ...limits }
  }

  get usedBytes(): number {
    let bytes = 0
    for (const { held, queuedBytes } of this.#shares) {
      bytes += queuedBytes
      for (const one of held) bytes += one
    }
    return bytes
  }

  get waitingCount(): number {
    return this.#waiters.size
  }

  open(): AdmissionShare {
    return new AdmissionShare(this)
  }

  reserve({ share, bytes, source }: Wish, signal: AbortSignal): Promise<void> {
    const { bytesMax, waitMsMax } = this.#limits
    return new Promise((resolve, reject) => {
      if (signal.aborted) return reject(GatewayError.from(signal.reason))
      if (bytes > bytesMax) return reject(tooLarge(source, bytes, bytesMax))
      const waiter: Waiter = {
        share,
        bytes,
        start() {
          leave()
          resolve()
        },
      }
      const refuse = (error: GatewayError) => {
        leave()
        reject(error)
        this.serve()
      }
      const aborted = () => refuse(GatewayError.from(signal.reason))
      const timer = share.isAdmitted ? undefined : setTimeout(() => refuse(busy()), waitMsMax)
      timer?.unref()
      const leave = () => {
        clearTimeout(timer)
        this.#waiters.delete(waiter)
        signal.removeEventListener('abort', aborted)
      }
      signal.addEventListener('abort', aborted, { once: true })
      this.#waiters.add(waiter)
      this.serve()
      if (!share.isAdmitted && this.#newcomers() > this.#limits.waitingMax) refuse(busy())
      return undefined
    })
  }

  /** Lets in who may go in now. */
  serve(): void {
    for (const share of this.#shares) {
      if (share.held.length === 0 && share.queuedBytes === 0) this.#shares.delete(share)
    }
    for (let next = this.#next(); next !== undefined; next = this.#next()) {
      next.share.held.push(next.bytes)
      next.share.isAdmitted = true
      this.#shares.add(next.share)
      next.start()
    }
  }

  #next(): Waiter | undefined {
    const waiters = [...this.#waiters]
    const idle = waiters.filter(({ share }) => share.held.length === 0)
    const begun = idle.find(({ share }) => share.queuedBytes > 0)
    const needy = begun ?? idle[0]
    const first = needy ?? waiters[0]
    if (first === undefined) return undefined
    const { bytesMax } = this.#limits
    const most = needy === undefined ? bytesMax * AHEAD_SHARE : bytesMax
    if (this.usedBytes + first.bytes <= most) return first
    // Rows that wait for more of their scan must not be what keeps it from getting them: one at a time passes the limit.
    return begun === first && !this.#isBusy() ? begun : undefined
  }

  /** Whether any row group is in flight. */
  #isBusy(): boolean {
    for (const { held } of this.#shares) if (held.length > 0) return true
    return false
  }

  #newcomers(): number {
    let count = 0
    for (const { share } of this.#waiters) if (!share.isAdmitted) count++
    return count
  }
}

function tooLarge(source: string, bytes: number, bytesMax: number): GatewayError {
  return new GatewayError(
    'too_large',
    `${source} takes about ${Math.ceil(bytes)} bytes of memory, more than the ${bytesMax} that SPILLWAY_MEMORY_BYTES leaves for row groups; select fewer columns, write smaller row groups or give the gateway more memory`,
  )
}

function busy(): GatewayError {
  return new GatewayError(
    'busy',
    'all memory for row groups is in use and many scans wait for it; try again later',
    { retryAfterMs: RETRY_AFTER_MS },
  )
}
