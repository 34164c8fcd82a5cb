import { createHash, randomBytes } from 'node:crypto'
import type { Document } from 'yaml'
import { isMap, isSeq, parseDocument, YAMLMap, YAMLSeq } from 'yaml'
import { GatewayError } from '../errors.ts'
import { parseCallersFile } from './callers-file.ts'
import { Secret } from './secret.ts'

/** Guessing one takes 2^256 attempts. */
const TOKEN_BYTES = 32

/** A token that nobody has yet. The prefix lets scanners of repositories find one that was left there. */
export function newToken(): Secret {
  return new Secret(`spw_${randomBytes(TOKEN_BYTES).toString('base64url')}`)
}

/** What a callers file begins with. */
export const emptyCallersFile = `# Who may call the gateway, and what each of them sees.
roles:
  # Sees all tables.
  everything:
    tables:
      - { schema: '*', table: '*' }
  # Sees metrics and what is wrong, and no table.
  operators:
    operator: true
callers:
`

/** A callers file as its owner wrote it. */
export interface WrittenFile {
  readonly text: string
  /** For messages. */
  readonly file: string
}

export interface TokenToWrite {
  readonly token: Secret
  /** As written into the file; absent: the token has no end. */
  readonly expires?: string | undefined
}

/**
 * The file with one caller more. As with the other changes, all that is not changed stays as it was, comments too.
 *
 * @throws {GatewayError} `invalid_request` the file is no good, or would be so with this caller.
 */
export function addCaller(
  written: WrittenFile,
  {
    name,
    roles,
    ...token
  }: { readonly name: string; readonly roles: readonly string[] } & TokenToWrite,
): string {
  return edited(written, (document, callers) => {
    callers.add(document.createNode({ name, roles, tokens: [tokenEntry(token)] }))
  })
}

/** The file without a caller. @throws {GatewayError} `invalid_request` the file is no good, or has no such caller. */
export function removeCaller(written: WrittenFile, name: string): string {
  return edited(written, (_, callers) => void callers.items.splice(indexOf(callers, name), 1))
}

/**
 * The file with another token for a caller; those it has, end at `oldExpires` unless they end sooner.
 *
 * @throws {GatewayError} `invalid_request` the file is no good, or has no such caller.
 */
export function rotateCaller(
  written: WrittenFile,
  {
    name,
    oldExpires,
    ...token
  }: { readonly name: string; readonly oldExpires: string } & TokenToWrite,
): string {
  return edited(written, (document, callers) => {
    const caller = callers.items[indexOf(callers, name)]
    if (!isMap(caller)) return
    const tokens = listOf(caller, 'tokens')
    for (const old of tokens.items) {
      if (!isMap(old)) continue
      const expires: unknown = old.get('expires')
      const endsMs = typeof expires === 'string' ? Date.parse(expires) : Number.POSITIVE_INFINITY
      if (!(endsMs <= Date.parse(oldExpires))) old.set('expires', oldExpires)
    }
    tokens.add(document.createNode(tokenEntry(token)))
  })
}

function tokenEntry({ token, expires }: TokenToWrite) {
  const sha256 = createHash('sha256').update(token.reveal()).digest('hex')
  return expires === undefined ? { sha256 } : { sha256, expires }
}

function edited(
  { text, file }: WrittenFile,
  change: (document: Document, callers: YAMLSeq) => void,
): string {
  parseCallersFile(text, file)
  const document: Document = parseDocument(text)
  const { contents } = document
  // The parse above took it for a map.
  if (isMap(contents)) change(document, listOf(contents, 'callers'))
  const next = isJson(text)
    ? `${JSON.stringify(document.toJS(), null, 2)}\n`
    : document.toString({ lineWidth: 0 })
  parseCallersFile(next, file)
  return next
}

/** The list under a name, put there where it is missing or empty. */
function listOf(map: YAMLMap, name: string): YAMLSeq {
  const found: unknown = map.get(name)
  if (isSeq(found)) {
    // `[]` is written in one line; what is put into it is not.
    if (found.items.length === 0) found.flow = false
    return found
  }
  const list = new YAMLSeq()
  map.set(name, list)
  return list
}

function indexOf(callers: YAMLSeq, name: string): number {
  const index = callers.items.findIndex(
    (item) => item instanceof YAMLMap && item.get('name') === name,
  )
  if (index >= 0) return index
  throw new GatewayError('invalid_request', `there is no caller ${name} in the file`)
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    // YAML, which it was parsed as before.
    return false
  }
}
