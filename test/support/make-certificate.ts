import type { KeyObject } from 'node:crypto'
import { generateKeyPairSync, randomBytes, sign } from 'node:crypto'

/** A certificate and its key, PEM. */
export interface TestCertificate {
  readonly certificate: string
  readonly key: string
}

/** Somebody who signs certificates. */
export interface TestAuthority extends TestCertificate {
  /** For 127.0.0.1 and `localhost`, for servers and clients alike. */
  issue(options?: IssueOptions): TestCertificate
}

export interface IssueOptions {
  /** Common name, and a DNS name of the certificate. Default `localhost`. */
  readonly name?: string
  /** Default: in ten years. */
  readonly endsMs?: number
}

const TEN_YEARS_MS = 10 * 365 * 86_400_000

/** Makes an authority, without a program that does so: X.509 by hand, of what Node and OpenSSL ask for. */
export function makeAuthority(name = 'Spillway test authority'): TestAuthority {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const issuer = { name, key: privateKey }
  const isAuthority = extension('2.5.29.19', sequence(tagged(0x01, Buffer.of(0xff))))
  return {
    certificate: certificateOf({ subject: name, publicKey, issuer, extensions: [isAuthority] }),
    key: pemOf(privateKey),
    issue: ({ name: subject = 'localhost', endsMs } = {}) => {
      const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' })
      const names = sequence(
        tagged(0x87, Buffer.of(127, 0, 0, 1)),
        ...[...new Set(['localhost', subject])].map((one) => tagged(0x82, Buffer.from(one))),
      )
      const certificate = certificateOf({
        subject,
        publicKey: pair.publicKey,
        issuer,
        extensions: [extension('2.5.29.17', names)],
        ...(endsMs !== undefined && { endsMs }),
      })
      return { certificate, key: pemOf(pair.privateKey) }
    },
  }
}

interface CertificateParts {
  readonly subject: string
  readonly publicKey: KeyObject
  readonly issuer: { readonly name: string; readonly key: KeyObject }
  readonly extensions: readonly Buffer[]
  readonly endsMs?: number
}

function certificateOf(parts: CertificateParts): string {
  const { subject, publicKey, issuer, extensions, endsMs = Date.now() + TEN_YEARS_MS } = parts
  const algorithm = sequence(identifier('1.2.840.10045.4.3.2'))
  const body = sequence(
    tagged(0xa0, tagged(0x02, Buffer.of(2))),
    // Positive: the highest bit is not set.
    tagged(0x02, Buffer.concat([Buffer.of(1), randomBytes(15)])),
    algorithm,
    nameOf(issuer.name),
    sequence(timeOf(Math.min(endsMs, Date.now()) - 86_400_000), timeOf(endsMs)),
    nameOf(subject),
    publicKey.export({ type: 'spki', format: 'der' }),
    tagged(0xa3, sequence(...extensions)),
  )
  const signature = Buffer.concat([Buffer.of(0), sign('sha256', body, issuer.key)])
  const text = sequence(body, algorithm, tagged(0x03, signature)).toString('base64')
  const lines = (text.match(/.{1,64}/g) ?? []).join('\n')
  return `-----BEGIN CERTIFICATE-----\n${lines}\n-----END CERTIFICATE-----\n`
}

function nameOf(commonName: string): Buffer {
  const name = sequence(identifier('2.5.4.3'), tagged(0x0c, Buffer.from(commonName)))
  return sequence(tagged(0x31, name))
}

/** GeneralizedTime, good beyond 2049. */
function timeOf(ms: number): Buffer {
  const text = new Date(ms).toISOString().replaceAll(/[-T:]|\.\d+/g, '')
  return tagged(0x18, Buffer.from(text))
}

/** Critical, since OpenSSL wants the authority's so and takes the names' too. */
function extension(id: string, value: Buffer): Buffer {
  return sequence(identifier(id), tagged(0x01, Buffer.of(0xff)), tagged(0x04, value))
}

function identifier(dotted: string): Buffer {
  const [first = 0, second = 0, ...others] = dotted.split('.').map(Number)
  const bytes = [first * 40 + second]
  for (const number of others) {
    const groups = [number & 0x7f]
    for (let rest = number >>> 7; rest > 0; rest >>>= 7) groups.unshift((rest & 0x7f) | 0x80)
    bytes.push(...groups)
  }
  return tagged(0x06, Buffer.from(bytes))
}

function sequence(...parts: readonly Buffer[]): Buffer {
  return tagged(0x30, Buffer.concat(parts))
}

function tagged(tag: number, content: Buffer): Buffer {
  const { length } = content
  const size =
    length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff]
  return Buffer.concat([Buffer.from([tag, ...size]), content])
}

function pemOf(key: KeyObject): string {
  return String(key.export({ type: 'pkcs8', format: 'pem' }))
}
