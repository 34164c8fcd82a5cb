import { parseDocument } from 'yaml'
import { GatewayError } from '../errors.ts'
import type { Caller, CallerLimits } from './caller.ts'
import { FileFields } from './file-fields.ts'
import type { ColumnRule, TableEntry } from './role-rights.ts'
import { rightsOf } from './role-rights.ts'
import { SESSION_POLICY_LENGTH_MAX, sessionPolicy } from './session-policy.ts'
import type { SessionScope } from './session-policy.ts'

/** A caller, and what it is known by. */
export interface KnownCaller {
  readonly caller: Caller
  /** Names of its roles. */
  readonly roles: readonly string[]
  readonly tokens: readonly TokenEntry[]
  /** Subject alternative names, such as `DNS:etl.example.com`. */
  readonly certificates: readonly string[]
}

export interface TokenEntry {
  /** SHA-256 of the token. */
  readonly digest: Buffer
  /** Milliseconds since the epoch; absent: it has no end. */
  readonly endsMs?: number
}

/** Who signs tokens of callers, and how a token names one. */
export interface Issuer {
  readonly issuer: string
  readonly audience: string
  /** A URL, or the path of a file. */
  readonly jwks: string
  readonly claim: string
  /** Callers by the claim's value; absent: the value is the caller's name. */
  readonly callers?: ReadonlyMap<string, string>
}

export interface CallersFile {
  readonly callers: readonly KnownCaller[]
  readonly issuers: readonly Issuer[]
}

/** Problems are told up to so many, the rest by their number. */
const PROBLEMS_TOLD_MAX = 50

/** No colon, which ends the name in `Basic name:token`. */
export const callerNameForm = /^[A-Za-z0-9][A-Za-z0-9._@-]{0,63}$/

/**
 * A callers file, YAML or JSON; with `sessions` callers get a policy for sessions with the store. Pure.
 *
 * @throws {GatewayError} `invalid_request` every problem: the file, the path in it, what is expected.
 */
export function parseCallersFile(text: string, file: string, sessions?: SessionScope): CallersFile {
  const fields = new FileFields(documentOf(text, file))
  fields.mapOf('roles', 'callers', 'issuers')
  const roles = new Map(
    fields
      .optionalMember('roles')
      .entries()
      .map(([name, role]) => [name, readRole(role)]),
  )
  const callers = fields
    .optionalMember('callers')
    .items()
    .map((caller) => readCaller(caller, roles, sessions))
  refuseTwins(fields, callers)
  const names = new Set(callers.map(({ caller }) => caller.name))
  const issuers = fields
    .optionalMember('issuers')
    .items()
    .map((issuer) => readIssuer(issuer, names))
  if (fields.problems.length > 0) throw unusable(file, fields.problems)
  return { callers, issuers }
}

function unusable(file: string, problems: readonly string[]): GatewayError {
  const told = problems.slice(0, PROBLEMS_TOLD_MAX).map((problem) => `\n  ${file}: ${problem}`)
  const more = problems.length - told.length
  return new GatewayError(
    'invalid_request',
    `the callers file has ${problems.length} problem(s):${told.join('')}${more > 0 ? `\n  and ${more} more` : ''}`,
  )
}

/** Maps as Map: a member called `__proto__` is a member like any other. */
function documentOf(text: string, file: string): unknown {
  const document = parseDocument(text, { prettyErrors: true })
  const problems = document.errors.map(({ code, linePos }) => {
    const { line, col } = linePos?.[0] ?? { line: 1, col: 1 }
    // The parser's own words may quote the file.
    return `line ${line}, column ${col}: not YAML (${code.toLowerCase().replaceAll('_', ' ')})`
  })
  if (problems.length > 0) throw unusable(file, problems)
  try {
    return document.toJS({ mapAsMap: true, maxAliasCount: 0 }) ?? undefined
  } catch {
    throw unusable(file, ['no aliases are read, expected each value where it belongs'])
  }
}

interface Role {
  readonly entries: readonly TableEntry[]
  readonly limits: CallerLimits
  readonly isOperator: boolean
}

function readRole(role: FileFields): Role {
  role.mapOf('tables', 'limits', 'operator')
  return {
    entries: role.member('tables').items().map(readEntry),
    limits: readLimits(role.member('limits')),
    isOperator: role.member('operator').boolean(),
  }
}

const pattern = { what: "a name, * and ? stand for any characters and for one, such as 'sales*'" }

function readEntry(entry: FileFields): TableEntry {
  entry.mapOf('schema', 'table', 'columns', 'rows', 'hidden')
  const rows = entry.member('rows')
  return {
    schema: entry.member('schema').text(pattern),
    table: entry.member('table').text(pattern),
    isHidden: entry.member('hidden').boolean(),
    columns: readColumns(entry.member('columns')),
    rows: rows.isAbsent ? undefined : rows.text({ form: /\S/, what: 'a SQL condition' }),
  }
}

function readColumns(columns: FileFields): ColumnRule | undefined {
  if (columns.isAbsent) return undefined
  columns.mapOf('allow', 'deny')
  const [allow, deny] = [columns.member('allow'), columns.member('deny')]
  if (allow.isAbsent === deny.isAbsent) columns.expected('either allow or deny')
  return allow.isAbsent
    ? { kind: 'deny', patterns: deny.texts(pattern) }
    : { kind: 'allow', patterns: allow.texts(pattern) }
}

function readLimits(limits: FileFields): CallerLimits {
  if (limits.isAbsent) return {}
  limits.mapOf('streams', 'bytesInFlight', 'rowsPerSecond')
  const streamsMax = limits.member('streams').count(1)
  const bytesInFlightMax = limits.member('bytesInFlight').size()
  // 0: off, which is also the default.
  const rowsPerSecondMax = limits.member('rowsPerSecond').count(0) || undefined
  return {
    ...(streamsMax !== undefined && { streamsMax }),
    ...(bytesInFlightMax !== undefined && { bytesInFlightMax }),
    ...(rowsPerSecondMax !== undefined && { rowsPerSecondMax }),
  }
}

const callerName = { form: callerNameForm, what: 'up to 64 letters, digits and . _ @ -' }
const certificateName = {
  form: /^(DNS|URI|email):\S+$/,
  what: "DNS:…, URI:… or email:…, as in the certificate's subject alternative names",
}

function readCaller(
  field: FileFields,
  roles: ReadonlyMap<string, Role>,
  sessions: SessionScope | undefined,
): KnownCaller {
  field.mapOf('name', 'roles', 'tokens', 'certificates')
  const names = field
    .member('roles')
    .items()
    .map((item) => {
      const name = item.text({ what: "a role's name" })
      if (name !== '' && !roles.has(name))
        item.expected(`one of the roles ${[...roles.keys()].join(', ')}`)
      return name
    })
  const held = names.flatMap((name) => roles.get(name) ?? [])
  const entries = held.flatMap((role) => role.entries)
  const policy = sessions && readPolicy(field, { names, entries, sessions })
  return {
    caller: {
      name: field.member('name').text(callerName),
      isOperator: held.some(({ isOperator }) => isOperator),
      rights: rightsOf(entries),
      limits: smallestLimits(held.map(({ limits }) => limits)),
      ...(policy !== undefined && { sessionPolicy: policy }),
    },
    roles: names,
    tokens: field.member('tokens').items().map(readToken),
    certificates: field.member('certificates').texts(certificateName),
  }
}

interface SessionRoles {
  readonly names: readonly string[]
  readonly entries: readonly TableEntry[]
  readonly sessions: SessionScope
}

function readPolicy(field: FileFields, { names, entries, sessions }: SessionRoles): string {
  const policy = sessionPolicy(entries, sessions)
  const lengthBytes = Buffer.byteLength(policy)
  if (lengthBytes > SESSION_POLICY_LENGTH_MAX)
    field
      .member('roles')
      .expected(
        `fewer or shorter entries in ${names.join(', ')}: their session policy has ${lengthBytes} characters, an STS takes ${SESSION_POLICY_LENGTH_MAX}`,
      )
  return policy
}

/** Of every limit the smallest that a role gives: no role loosens another. */
function smallestLimits(all: readonly CallerLimits[]): CallerLimits {
  const smallest: Record<string, number> = {}
  for (const [name, value] of all.flatMap((limits) => Object.entries(limits))) {
    smallest[name] = Math.min(smallest[name] ?? Number.POSITIVE_INFINITY, Number(value))
  }
  return smallest
}

const sha256 = {
  form: /^[0-9a-fA-F]{64}$/,
  what: 'the SHA-256 of the token, 64 hexadecimal digits in quotes',
  isTold: false,
}

function readToken(token: FileFields): TokenEntry {
  token.mapOf('sha256', 'expires')
  const digest = Buffer.from(token.member('sha256').text(sha256), 'hex')
  const endsMs = token.member('expires').time()
  return { digest, ...(endsMs !== undefined && { endsMs }) }
}

function readIssuer(issuer: FileFields, names: ReadonlySet<string>): Issuer {
  issuer.mapOf('issuer', 'audience', 'jwks', 'claim', 'callers')
  const [claim, callers] = [issuer.member('claim'), issuer.member('callers')]
  const byValue = callers.entries().map(([value, field]) => {
    const name = field.text({ what: "a caller's name" })
    if (name !== '' && !names.has(name)) field.expected('the name of a caller in this file')
    return [value, name] as const
  })
  return {
    issuer: issuer.member('issuer').text({ what: 'the issuer as its tokens name it' }),
    audience: issuer.member('audience').text({ what: 'the audience that tokens must be for' }),
    jwks: readJwks(issuer.member('jwks')),
    claim: claim.isAbsent ? 'sub' : claim.text({ what: 'the name of a claim' }),
    ...(!callers.isAbsent && { callers: new Map(byValue) }),
  }
}

/** Keys decide who is let in: they come encrypted, or from this machine. */
function readJwks(jwks: FileFields): string {
  const what = 'https://…, http://… of this machine, or the path of a file'
  const text = jwks.text({ what })
  if (!/^[a-z][a-z0-9+.-]*:\/\//i.test(text)) return text
  const url = URL.canParse(text) ? new URL(text) : undefined
  const isHere = /^(localhost|127(\.\d+){3}|\[::1\])$/.test(url?.hostname ?? '')
  const isGood = url?.protocol === 'https:' || (url?.protocol === 'http:' && isHere)
  if (!isGood || url?.username !== '' || url.password !== '') jwks.expected(what, false)
  return text
}

/** What names one caller must not name another. */
function refuseTwins(fields: FileFields, callers: readonly KnownCaller[]): void {
  const seen = new Map<string, string>()
  const see = (what: string, mark: string, path: string) => {
    const first = seen.get(`${what} ${mark}`)
    if (first !== undefined) fields.problems.push(`${path}: the same ${what} as ${first}`)
    else seen.set(`${what} ${mark}`, path)
  }
  for (const [index, { caller, tokens, certificates }] of callers.entries()) {
    const path = `callers[${index}]`
    if (caller.name !== '') see('name', caller.name, `${path}.name`)
    for (const [at, { digest }] of tokens.entries())
      if (digest.length > 0) see('token', digest.toString('hex'), `${path}.tokens[${at}]`)
    for (const [at, name] of certificates.entries())
      if (name !== '') see('certificate', name.toLowerCase(), `${path}.certificates[${at}]`)
  }
}
