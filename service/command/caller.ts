import { chown, open, readFile, realpath, rename, rm, stat } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import type { Environment } from '../config.ts'
import type { TokenEntry } from '../credentials/callers-file.ts'
import { parseCallersFile } from '../credentials/callers-file.ts'
import {
  addCaller,
  emptyCallersFile,
  newToken,
  removeCaller,
  rotateCaller,
} from '../credentials/edit-callers-file.ts'
import { GatewayError } from '../errors.ts'
import { alignedTable } from '../arrow/aligned-table.ts'
import { UsageError } from './client-options.ts'
import { exitCodes } from './exit-codes.ts'

const usage = `usage: spillway caller add NAME --role ROLE [--role ROLE] [--expires DATE]
       spillway caller rotate NAME [--expires DATE] [--old-expires DATE]
       spillway caller remove NAME
       spillway caller list

Who may call the gateway, in its callers file (README.md, "Callers"), which keeps its comments.

  add       writes a caller and prints its token, this once: the file holds only its hash.
            Where there is no file yet, one is begun, with the roles everything and operators
  rotate    gives a caller another token and prints it; those it has, end a day later
  remove    strikes a caller off
  list      callers, their roles, and what they are known by

  --file FILE            the callers file (default: SPILLWAY_CALLERS_FILE)
  --role ROLE            a role of the file
  --expires DATE         when the token ends: 2027-01-31, or 2027-01-31T12:00:00Z
  --old-expires DATE     when the older tokens end
`

/** So that whoever holds the old token has time to take the new one. */
const OLD_TOKEN_KEPT_MS = 24 * 3_600_000

const actions = { add, rotate, remove, list } as const

interface Task {
  readonly file: string
  readonly name: string
  readonly values: {
    readonly role?: string[]
    readonly expires?: string
    readonly 'old-expires'?: string
  }
}

/** Runs `caller add|rotate|remove|list`. */
export async function callerCommand(words: readonly string[], env: Environment): Promise<number> {
  if (words.includes('--help')) {
    process.stdout.write(usage)
    return exitCodes.good
  }
  try {
    const { action, ...task } = taskOf(words, env)
    process.stdout.write(await actions[action](task))
    return exitCodes.good
  } catch (reason) {
    if (reason instanceof UsageError) {
      process.stderr.write(`spillway: ${reason.message}\n\n${usage}`)
      return exitCodes.usage
    }
    const { code, message } = GatewayError.from(reason)
    process.stderr.write(`spillway: ${code}: ${message}\n`)
    return exitCodes.failed
  }
}

function taskOf(
  words: readonly string[],
  env: Environment,
): Task & { action: keyof typeof actions } {
  const { values, positionals } = parsed(words)
  const [action, name = '', ...more] = positionals
  if (action === undefined || !Object.hasOwn(actions, action))
    throw new UsageError(
      action === undefined ? 'an action is missing' : `no such action: ${action}`,
    )
  const file = values.file ?? env['SPILLWAY_CALLERS_FILE']?.trim() ?? ''
  if (file === '') throw new UsageError('which file? Give --file or set SPILLWAY_CALLERS_FILE')
  if (more.length > 0 || (name === '') !== (action === 'list'))
    throw new UsageError(action === 'list' ? 'list takes no name' : `${action} takes one name`)
  if ((values.role === undefined) === (action === 'add'))
    throw new UsageError(
      action === 'add' ? 'add takes at least one --role' : `${action} takes no --role`,
    )
  return { action: action as keyof typeof actions, file, name, values }
}

function parsed(words: readonly string[]) {
  const one = { type: 'string' } as const
  try {
    return parseArgs({
      args: [...words],
      allowPositionals: true,
      options: {
        file: one,
        role: { type: 'string', multiple: true },
        expires: one,
        'old-expires': one,
      },
    })
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error))
  }
}

async function add({ file, name, values: { role = [], expires } }: Task): Promise<string> {
  const text = (await textOf(file)) ?? emptyCallersFile
  const token = newToken()
  await replace(file, addCaller({ text, file }, { name, roles: role, token, expires }))
  return `${token.reveal()}\n`
}

async function rotate({ file, name, values }: Task): Promise<string> {
  const written = { text: await existing(file), file }
  const inADay = new Date(Date.now() + OLD_TOKEN_KEPT_MS).toISOString()
  const { expires, 'old-expires': oldExpires = inADay } = values
  const token = newToken()
  await replace(file, rotateCaller(written, { name, token, expires, oldExpires }))
  return `${token.reveal()}\n`
}

async function remove({ file, name }: Task): Promise<string> {
  await replace(file, removeCaller({ text: await existing(file), file }, name))
  return ''
}

async function list({ file }: Task): Promise<string> {
  const { callers } = parseCallersFile(await existing(file), file)
  const rows = callers.map(({ caller, roles, tokens, certificates }) => [
    caller.name,
    roles.join(', '),
    String(tokens.length),
    lastEnd(tokens),
    certificates.join(', '),
  ])
  const columns = ['caller', 'roles', 'tokens', 'until', 'certificates'].map((name) => ({
    name,
    isRight: name === 'tokens',
  }))
  return alignedTable(columns, rows)
}

/** When the last token ends: to the minute, UTC. */
function lastEnd(tokens: readonly TokenEntry[]): string {
  if (tokens.length === 0) return ''
  const endsMs = Math.max(...tokens.map((token) => token.endsMs ?? Number.POSITIVE_INFINITY))
  return endsMs === Number.POSITIVE_INFINITY
    ? 'no end'
    : new Date(endsMs).toISOString().slice(0, 16)
}

async function existing(file: string): Promise<string> {
  const text = await textOf(file)
  if (text === undefined) throw new GatewayError('invalid_request', `there is no file ${file}`)
  return text
}

async function textOf(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined
    throw unusable(file, error)
  }
}

/** Puts a file in the place of another at once, which the gateway may read meanwhile. Mode and owner stay. */
async function replace(file: string, text: string): Promise<void> {
  try {
    const path = await realpath(file).catch(() => file)
    const old = await stat(path).catch(() => undefined)
    const beside = `${path}.${process.pid}.part`
    try {
      await using handle = await open(beside, 'wx', (old?.mode ?? 0o600) & 0o777)
      await handle.writeFile(text)
      await handle.sync()
      if (old !== undefined && old.uid !== process.getuid?.()) await chown(beside, old.uid, old.gid)
      await rename(beside, path)
    } finally {
      await rm(beside, { force: true })
    }
  } catch (error) {
    throw unusable(file, error)
  }
}

function unusable(file: string, cause: unknown): GatewayError {
  return new GatewayError(
    'invalid_request',
    `${file} cannot be read and written (${codeOf(cause)})`,
    { cause },
  )
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : 'unknown error'
}
