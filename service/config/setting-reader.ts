import { Secret } from '../credentials/secret.ts'
import { nameProblem } from './setting-names.ts'

export type Environment = Readonly<Record<string, string | undefined>>

export interface Address {
  readonly host: string
  /** 0: any free port. */
  readonly port: number
}

/** Bytes. */
export const MEBIBYTE = 1024 * 1024

/** Reads settings one by one and remembers what is wrong with them. */
export class SettingReader {
  readonly problems: string[] = []
  readonly #env: Environment

  constructor(env: Environment) {
    this.#env = env
  }

  problem(name: string, given: string, expected: string): void {
    this.problems.push(`${name}: got ${JSON.stringify(given)}, expected ${expected}`)
  }

  refuseUnknown(): void {
    for (const [name, value] of Object.entries(this.#env)) {
      const problem = value === undefined ? undefined : nameProblem(name)
      if (problem !== undefined) this.problems.push(problem)
    }
  }

  text(name: string, standard: string): string {
    const value = this.#env[name]?.trim()
    return value === undefined || value === '' ? standard : value
  }

  secret(name: string): Secret | undefined {
    const value = this.text(name, '')
    return value === '' ? undefined : new Secret(value)
  }

  boolean(name: string, standard: boolean): boolean {
    return this.oneOf(name, ['true', 'false'], String(standard)) === 'true'
  }

  oneOf<Choice extends string>(name: string, choices: readonly Choice[], standard: Choice): Choice {
    const value = this.text(name, standard).toLowerCase()
    const choice = choices.find((candidate) => candidate === value)
    if (choice === undefined) this.problem(name, value, choices.join(' | '))
    return choice ?? standard
  }

  count(name: string, standard: number, most: number): number {
    const value = this.text(name, String(standard))
    const count = Number(value)
    if (Number.isInteger(count) && count >= 0 && count <= most) return count
    this.problem(name, value, `a whole number from 0 to ${most}`)
    return standard
  }

  duration(name: string, standard: string): number {
    const value = this.text(name, standard)
    const match = /^(\d+(?:\.\d+)?)(ms|s|m|h)$/.exec(value)
    const unitMs = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 }[match?.[2] ?? '']
    if (match && unitMs !== undefined) return Number(match[1]) * unitMs
    this.problem(name, value, 'a duration such as 500ms, 15s, 2m or 1h')
    return 0
  }

  size(name: string, standard: string, least: number): number {
    const value = this.text(name, standard)
    const match = /^(\d+)(B|KiB|MiB|GiB)?$/.exec(value)
    const unit = { B: 1, KiB: 1024, MiB: MEBIBYTE, GiB: 1024 * MEBIBYTE }[match?.[2] ?? 'B'] ?? 1
    const bytes = match ? Number(match[1]) * unit : Number.NaN
    if (bytes >= least && Number.isSafeInteger(bytes)) return bytes
    this.problem(name, value, `a size of at least ${least} bytes, such as 64MiB`)
    return least
  }

  address(name: string, standard: string): Address {
    const value = this.text(name, standard)
    const match = /^(?:\[([0-9a-fA-F:]+)\]|([^:[\]\s]+)):(\d{1,5})$/.exec(value)
    const port = Number(match?.[3])
    const host = match?.[1] ?? match?.[2]
    if (host !== undefined && port <= 65_535) return { host, port }
    this.problem(name, value, 'host:port, port 0 for any free one')
    return { host: '127.0.0.1', port: 0 }
  }

  url(name: string, protocols: readonly string[]): string {
    const value = this.text(name, '')
    const url = URL.canParse(value) ? new URL(value) : undefined
    if (url && url.username === '' && url.password === '' && protocols.includes(url.protocol)) {
      return url.protocol === 'file:' ? url.href : url.origin
    }
    const forms = protocols
      .map((protocol) => (protocol === 'file:' ? 'file:///path' : `${protocol}//host[:port]`))
      .join(' or ')
    // Also one that is too broken to say where its credentials are.
    const shown = value.includes('@') ? 'a URL with credentials in it' : value
    this.problem(name, shown, `${forms}, credentials apart`)
    return 'http://127.0.0.1'
  }
}
