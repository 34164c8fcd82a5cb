import { createHmac, hash } from 'node:crypto'
import type { StoreCredentials } from '../credentials/store-credentials.ts'
import type { Secret } from '../credentials/secret.ts'

/** A GET that is to be signed. */
export interface UnsignedGet {
  /** As it is sent, escaped. */
  readonly path: string
  /** `name=value`, escaped; `''`: none. */
  readonly query: string
  /** Names in lower case and in their order, none behind `x-amz-`; all are signed. */
  readonly headers: readonly (readonly [name: string, value: string])[]
}

/** The fields that make a GET a signed one: date, hash of the empty body, token, authorization. */
export type GetSigner = (
  get: UnsignedGet,
  credentials: StoreCredentials,
  date: Date,
) => readonly (readonly [name: string, value: string])[]

const ALGORITHM = 'AWS4-HMAC-SHA256'
const EMPTY_SHA256 = hash('sha256', '')

interface DayKey {
  readonly secretKey: Secret
  readonly day: string
  readonly key: Buffer
}

/**
 * Signs GETs as AWS's "Signature Version 4" says. The key of a day takes four of the five rounds that a signature
 * costs: it is made once for a secret and a day, and signing takes a fifth of the time of minio's signer.
 */
export function getSigner(region: string): GetSigner {
  let held: DayKey | undefined
  const keyOf = (secretKey: Secret, day: string): Buffer => {
    // The credentials of now are one object: their text need not be compared.
    if (held?.day !== day || held.secretKey !== secretKey) {
      const words = [day, region, 's3', 'aws4_request']
      const start: string | Buffer = `AWS4${secretKey.reveal()}`
      held = { secretKey, day, key: words.reduce<string | Buffer>(hmac, start) as Buffer }
    }
    return held.key
  }

  return ({ path, query, headers }, { accessKey, secretKey, sessionToken }, date) => {
    const moment = date.toISOString().replace(/[-:]|\.\d+/g, '')
    const day = moment.slice(0, 8)
    const added: [string, string][] = [
      ['x-amz-content-sha256', EMPTY_SHA256],
      ['x-amz-date', moment],
    ]
    if (sessionToken !== undefined) added.push(['x-amz-security-token', sessionToken.reveal()])
    let [names, fields] = ['', '']
    for (const [name, value] of [...headers, ...added]) {
      names += names === '' ? name : `;${name}`
      fields += `${name}:${value.replace(/ {2,}/g, ' ')}\n`
    }
    const asked = `GET\n${path}\n${query}\n${fields}\n${names}\n${EMPTY_SHA256}`
    const scope = `${day}/${region}/s3/aws4_request`
    const signed = `${ALGORITHM}\n${moment}\n${scope}\n${hash('sha256', asked)}`
    const signature = hmac(keyOf(secretKey, day), signed).toString('hex')
    const credential = `Credential=${accessKey}/${scope}`
    added.push([
      'authorization',
      `${ALGORITHM} ${credential}, SignedHeaders=${names}, Signature=${signature}`,
    ])
    return added
  }
}

function hmac(key: string | Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest()
}
