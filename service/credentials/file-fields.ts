/** Reads the members of a document one by one and remembers what is wrong with them, each by its path. */
export class FileFields {
  readonly problems: string[]
  /** Of this value in the document, such as `callers[2].roles[0]`; `''`: the whole. */
  readonly path: string
  readonly #value: unknown

  constructor(value: unknown, path = '', problems: string[] = []) {
    this.#value = value
    this.path = path
    this.problems = problems
  }

  get isAbsent(): boolean {
    return this.#value === undefined
  }

  /** Remembers a problem. What was given is told unless it may be a secret. */
  expected(what: string, isTold = true): void {
    const given = isTold ? shortForm(this.#value) : 'something else, not shown'
    const where = this.path === '' ? 'the file' : this.path
    this.problems.push(
      this.isAbsent
        ? `${where}: missing, expected ${what}`
        : `${where}: got ${given}, expected ${what}`,
    )
  }

  /** A member of a map. One without a value is not absent: whoever forgot a rule must not be taken to want none. */
  member(name: string): FileFields {
    const value: unknown = this.#value instanceof Map ? this.#value.get(name) : undefined
    return this.#below(value, this.path === '' ? name : `${this.path}.${name}`)
  }

  /** A member that may as well be there without a value. */
  optionalMember(name: string): FileFields {
    const member = this.member(name)
    return member.#value === null ? this.#below(undefined, member.path) : member
  }

  /** Refuses what is no map, and members that nobody reads. */
  mapOf(...known: readonly string[]): void {
    if (!(this.#value instanceof Map)) return this.expected('a map', this.#isNoText)
    for (const name of this.#value.keys()) {
      if (typeof name === 'string' && known.includes(name)) continue
      this.problems.push(
        `${this.path === '' ? '' : `${this.path}.`}${String(name)}: no such member, expected ${known.join(', ')}`,
      )
    }
  }

  /** The members of a map whose names are free; absent: none. */
  entries(): readonly (readonly [name: string, field: FileFields])[] {
    if (this.isAbsent) return []
    if (!(this.#value instanceof Map)) {
      this.expected('a map', this.#isNoText)
      return []
    }
    return [...this.#value].map(([name, value]: [unknown, unknown]) => [
      String(name),
      this.#below(value, `${this.path}.${String(name)}`),
    ])
  }

  /** The items of a list; absent: none. */
  items(): readonly FileFields[] {
    if (this.isAbsent) return []
    if (!Array.isArray(this.#value)) {
      this.expected('a list', this.#isNoText)
      return []
    }
    return this.#value.map((item: unknown, index) => this.#below(item, `${this.path}[${index}]`))
  }

  /** Text of a form; `''` when it is not. */
  text({ form = /^.+$/s, what, isTold = true }: TextForm): string {
    if (typeof this.#value === 'string' && form.test(this.#value)) return this.#value
    this.expected(what, isTold)
    return ''
  }

  texts(form: TextForm): readonly string[] {
    return this.items().map((item) => item.text(form))
  }

  boolean(): boolean {
    if (typeof this.#value === 'boolean') return this.#value
    if (!this.isAbsent) this.expected('true or false')
    return false
  }

  /** A whole number of at least `least`; undefined: absent, or wrong. */
  count(least: number): number | undefined {
    const value = this.#value
    if (typeof value === 'number' && Number.isSafeInteger(value) && value >= least) return value
    if (!this.isAbsent) this.expected(`a whole number of at least ${least}`)
    return undefined
  }

  /** Bytes, as a number or such as `64MiB`; undefined: absent, or wrong. */
  size(): number | undefined {
    const [, digits, unit = 'B'] = /^(\d+)(B|KiB|MiB|GiB)?$/.exec(String(this.#value)) ?? []
    const factor = { B: 1, KiB: 1 << 10, MiB: 1 << 20, GiB: 1 << 30 }[unit] ?? 1
    const bytes = Number(digits) * factor
    if (Number.isSafeInteger(bytes) && bytes > 0) return bytes
    if (!this.isAbsent) this.expected('a size such as 64MiB')
    return undefined
  }

  /** Milliseconds since the epoch, of a date (its first moment, UTC) or a time with its zone. */
  time(): number | undefined {
    const form = /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d))?$/
    const value = String(this.#value)
    const timeMs = form.test(value) ? Date.parse(value) : Number.NaN
    if (!Number.isNaN(timeMs)) return timeMs
    if (!this.isAbsent) this.expected('a date such as 2027-01-31 or 2027-01-31T12:00:00Z')
    return undefined
  }

  /** Where a map or a list is expected, text may be a token that belongs into it. */
  get #isNoText(): boolean {
    return typeof this.#value !== 'string'
  }

  #below(value: unknown, path: string): FileFields {
    return new FileFields(value, path, this.problems)
  }
}

export interface TextForm {
  readonly form?: RegExp
  /** What is expected, for the problem. */
  readonly what: string
  /** False: what was given may be a secret. */
  readonly isTold?: boolean
}

/** Longer texts are cut in problems. */
const TOLD_CHARACTERS_MAX = 60

function shortForm(value: unknown): string {
  if (value instanceof Map) return 'a map'
  if (Array.isArray(value)) return 'a list'
  const text = JSON.stringify(value) ?? 'nothing'
  return text.length > TOLD_CHARACTERS_MAX ? `${text.slice(0, TOLD_CHARACTERS_MAX)}…` : text
}
