import { X509Certificate } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { createSecureContext } from 'node:tls'
import { GatewayError } from '../errors.ts'

/** Where the certificate of the ports lies, PEM. */
export interface TlsFiles {
  readonly certificateFile: string
  readonly keyFile: string
  /** Authority of client certificates; present: a client must show one. */
  readonly clientAuthorityFile: string | undefined
  /** True: a client may do without a certificate, since it is asked who it is in other ways too. */
  readonly clientsMayBeUnknown?: boolean
}

/** What a port needs to speak TLS, PEM. */
export interface TlsPair {
  readonly certificate: Buffer
  readonly key: Buffer
  /** Authority of client certificates; present: a client must show one. */
  readonly clientAuthority?: Buffer
}

/** The pair of now, for ports that take the next one as it comes. */
export interface TlsSource {
  readonly pair: TlsPair
  /** True: a client may do without a certificate, or show one that the authority did not sign. */
  readonly clientsMayBeUnknown?: boolean
  /** Calls back with each new pair, until what it returns is called. */
  onChange(listener: (pair: TlsPair) => void): () => void
}

export interface ServerCertificateOptions {
  readonly nowMs: () => number
  /** Told once of files that are no good; the old ones stay in use. */
  readonly onBroken: (error: GatewayError) => void
  /** Told when a new pair is in use. */
  readonly onRenewed: () => void
}

/** How often the files are looked at: renewals come hours before the end, 10 seconds are soon. */
const LOOK_MS = 10_000

/**
 * The certificate of the ports, read again when its files change. Connections that stand keep what they began with. Files
 * that do not fit together are told when they are still so at the next look: they may be being replaced one by one.
 */
export class ServerCertificate implements TlsSource {
  pair: TlsPair
  readonly #files: TlsFiles
  readonly #options: ServerCertificateOptions
  readonly #listeners = new Set<(pair: TlsPair) => void>()
  readonly #timer: NodeJS.Timeout
  /** The files of the last look that were no good. */
  #broken: { readonly pair: TlsPair | undefined; isTold: boolean } | undefined

  private constructor(files: TlsFiles, pair: TlsPair, options: ServerCertificateOptions) {
    this.#files = files
    this.#options = options
    this.pair = pair
    this.#timer = setInterval(() => void this.look(), LOOK_MS).unref()
  }

  /** @throws {GatewayError} `unavailable` the files are no good: which, and why. */
  static async open(
    files: TlsFiles,
    options: ServerCertificateOptions,
  ): Promise<ServerCertificate> {
    const pair = await readPair(files)
    checkPair(pair, files, options.nowMs())
    return new ServerCertificate(files, pair, options)
  }

  get clientsMayBeUnknown(): boolean {
    return this.#files.clientsMayBeUnknown ?? false
  }

  /** When the certificate in use ends, milliseconds since the epoch. */
  get endsMs(): number {
    return endOf(this.pair.certificate)
  }

  onChange(listener: (pair: TlsPair) => void): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  /** Reads the files again, and hands a new pair that is good to the ports. */
  async look(): Promise<void> {
    let pair: TlsPair | undefined
    try {
      pair = await readPair(this.#files)
      if (samePair(pair, this.pair)) {
        this.#broken = undefined
        return
      }
      checkPair(pair, this.#files, this.#options.nowMs())
    } catch (reason) {
      this.#noteBroken(pair, GatewayError.from(reason))
      return
    }
    this.#broken = undefined
    this.pair = pair
    for (const listener of this.#listeners) listener(pair)
    this.#options.onRenewed()
  }

  close(): void {
    clearInterval(this.#timer)
  }

  #noteBroken(pair: TlsPair | undefined, error: GatewayError): void {
    const isSame = this.#broken !== undefined && samePair(pair, this.#broken.pair)
    this.#broken = isSame && this.#broken ? this.#broken : { pair, isTold: false }
    if (isSame && !this.#broken.isTold) {
      this.#broken.isTold = true
      this.#options.onBroken(error)
    }
  }
}

async function readPair(files: TlsFiles): Promise<TlsPair> {
  const { certificateFile, keyFile, clientAuthorityFile } = files
  const certificate = await readPem(certificateFile, 'SPILLWAY_TLS_CERT_FILE')
  const key = await readPem(keyFile, 'SPILLWAY_TLS_KEY_FILE')
  if (clientAuthorityFile === undefined) return { certificate, key }
  const clientAuthority = await readPem(clientAuthorityFile, 'SPILLWAY_TLS_CLIENT_CA_FILE')
  return { certificate, key, clientAuthority }
}

async function readPem(path: string, setting: string): Promise<Buffer> {
  try {
    return await readFile(path)
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error'
    throw unusable(`${path} of ${setting} cannot be read (${code})`)
  }
}

function checkPair({ certificate, key, clientAuthority }: TlsPair, files: TlsFiles, nowMs: number) {
  if (!isGood(() => endOf(certificate)))
    throw unusable(`${files.certificateFile} holds no PEM certificate`)
  if (!isGood(() => createSecureContext({ cert: certificate, key })))
    throw unusable(`${files.keyFile} is not the key of ${files.certificateFile}`)
  if (clientAuthority !== undefined && !isGood(() => endOf(clientAuthority)))
    throw unusable(`${files.clientAuthorityFile} holds no PEM certificate`)
  if (endOf(certificate) <= nowMs)
    throw unusable(
      `${files.certificateFile} ended at ${new Date(endOf(certificate)).toISOString()}`,
    )
}

function isGood(check: () => unknown): boolean {
  try {
    check()
    return true
  } catch {
    // OpenSSL's words name neither file nor setting, and may quote from a key.
    return false
  }
}

/** When the first certificate of a PEM file ends, milliseconds since the epoch. */
function endOf(certificate: Buffer): number {
  return Date.parse(new X509Certificate(certificate).validTo)
}

function samePair(left: TlsPair | undefined, right: TlsPair | undefined): boolean {
  if (left === undefined || right === undefined) return left === right
  return (
    sameBytes(left.certificate, right.certificate) &&
    sameBytes(left.key, right.key) &&
    sameBytes(left.clientAuthority, right.clientAuthority)
  )
}

function sameBytes(left: Buffer | undefined, right: Buffer | undefined): boolean {
  return left === undefined || right === undefined ? left === right : left.equals(right)
}

function unusable(what: string): GatewayError {
  return new GatewayError('unavailable', `${what}; give the ports a certificate and its key`)
}
