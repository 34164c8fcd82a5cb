import { randomBytes } from 'node:crypto'

/** Secrets that are planted where secrets are, and must come out nowhere. */
export interface Canaries {
  /** A new secret for this field. */
  plant(field: string): string
  /** A secret that has a form of its own, such as a key. */
  plantAs(field: string, secret: string): string
  /** The fields whose secrets are in the text: as they are, in base64 or in hexadecimal. */
  leaksIn(text: string): string[]
  readonly count: number
}

/** Characters of a secret that are enough to tell it from all else. */
const TELLING = 12

export function canaries(): Canaries {
  const forms = new Map<string, readonly string[]>()
  const plantAs = (field: string, secret: string): string => {
    forms.set(`${forms.size + 1} ${field}`, formsOf(secret))
    return secret
  }
  return {
    plant: (field) => plantAs(field, `Canary${randomBytes(12).toString('hex')}`),
    plantAs,
    leaksIn: (text) =>
      [...forms]
        .filter(([, ways]) => ways.some((way) => text.includes(way)))
        .map(([field]) => field),
    get count() {
      return forms.size
    },
  }
}

/** As it is, also without its first and last letters; in hexadecimal; in base64, wherever it begins in a text of its own. */
function formsOf(secret: string): readonly string[] {
  const inner = secret.slice(4, -4)
  const bytes = Buffer.from(secret)
  const encoded = [0, 1, 2].map((before) => {
    const text = Buffer.concat([Buffer.alloc(before), bytes]).toString('base64')
    // The first and last groups mix with what stands beside.
    return text.slice(4, -4)
  })
  const urlSafe = encoded.map((text) => text.replaceAll('+', '-').replaceAll('/', '_'))
  const all = [inner, bytes.toString('hex'), ...encoded, ...urlSafe]
  return all.filter((form) => form.length >= TELLING)
}
