import { execFile } from 'node:child_process'
import { cp, mkdir, readFile, stat } from 'node:fs/promises'
import { basename, join, relative, sep } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)
/** What npm prints may be long; more than this is a failure. */
const OUTPUT_BYTES_MAX = 64 * 1024 * 1024

export interface Instruction {
  /** In capitals: `COPY`, `RUN`, … */
  readonly name: string
  /** `--from=build` and the like, as name and value. */
  readonly flags: Readonly<Record<string, string>>
  /** What follows the flags, continued lines joined. */
  readonly text: string
}

/** A `FROM` with all that follows it up to the next one. */
export interface Stage {
  readonly image: string
  /** The name after `AS`, else the stage's number. */
  readonly name: string
  readonly instructions: readonly Instruction[]
}

/** The stages of a Dockerfile: as much of the language as ours uses, no heredocs, no build arguments. */
export function parseDockerfile(text: string): Stage[] {
  const lines = text
    .split('\n')
    .filter((line) => !/^\s*#/.test(line))
    .join('\n')
    .replaceAll(/\\\n\s*/g, '')
    .split('\n')
    .filter((line) => line.trim() !== '')
  const stages: { image: string; name: string; instructions: Instruction[] }[] = []
  for (const instruction of lines.map(parseInstruction)) {
    if (instruction.name === 'FROM') {
      const [image = '', , name = String(stages.length)] = instruction.text.split(/\s+/)
      stages.push({ image, name, instructions: [] })
    } else {
      stages.at(-1)?.instructions.push(instruction)
    }
  }
  return stages
}

function parseInstruction(line: string): Instruction {
  const match = /^\s*(\w+)\s+((?:--\S+\s+)*)(.*)$/.exec(line)
  const [, name = '', flags = '', text = ''] = match ?? []
  const pairs = [...flags.matchAll(/--([\w-]+)=(\S+)/g)]
  return {
    name: name.toUpperCase(),
    flags: Object.fromEntries(pairs.map(([, flag = '', value = '']) => [flag, value])),
    text: text.trim(),
  }
}

/** The command of `ENTRYPOINT`, `CMD` or `HEALTHCHECK CMD`, in its JSON form. */
export function commandOf(stage: Stage, name: string): string[] {
  const text = stage.instructions.findLast((instruction) => instruction.name === name)?.text ?? '[]'
  return JSON.parse(text.replace(/^CMD\s+/, '')) as string[]
}

/** The variables that `ENV` sets in a stage. */
export function environmentOf(stage: Stage): Record<string, string> {
  const texts = stage.instructions.filter(({ name }) => name === 'ENV').map(({ text }) => text)
  const words = texts.flatMap((text) => text.split(/\s+/))
  return Object.fromEntries(words.map((word) => word.split(/=(.*)/s).slice(0, 2)))
}

export interface Place {
  /** The build context: the repository. */
  readonly context: string
  /** A folder of its own for every stage's root is made in here. */
  readonly folder: string
  /** What `RUN` sees besides the stage's own variables. */
  readonly env: NodeJS.ProcessEnv
}

/**
 * Performs `WORKDIR`, `COPY` and `RUN` of every stage with cp and sh, each stage in a folder that stands for its root.
 * A `RUN` must not name absolute paths: it would see this machine's.
 *
 * @returns the last stage's working folder.
 */
export async function performStages(stages: readonly Stage[], place: Place): Promise<string> {
  const ignores = ignoreRules(await readFile(join(place.context, '.dockerignore'), 'utf8'))
  let workingFolder = place.folder
  for (const stage of stages) {
    const root = join(place.folder, stage.name)
    const env = { ...place.env, ...environmentOf(stage) }
    workingFolder = root
    for (const { name, flags, text } of stage.instructions) {
      if (name === 'WORKDIR')
        workingFolder = join(text.startsWith('/') ? root : workingFolder, text)
      await mkdir(workingFolder, { recursive: true })
      if (name === 'RUN') {
        await run('sh', ['-ec', text], { cwd: workingFolder, env, maxBuffer: OUTPUT_BYTES_MAX })
      }
      if (name === 'COPY') {
        const from = flags['from']
        const source = from === undefined ? place.context : join(place.folder, from)
        const enters = from === undefined ? (path: string) => !isIgnored(ignores, path) : () => true
        await copy(text.split(/\s+/), { source, root, workingFolder, enters })
      }
    }
  }
  return workingFolder
}

interface CopyPlace {
  readonly source: string
  readonly root: string
  readonly workingFolder: string
  /** Asked with a path below the source, `/` between folders. */
  enters(path: string): boolean
}

/** A folder's contents go to the target; a file goes into a target that ends in `/`, else it becomes the target. */
async function copy(words: readonly string[], place: CopyPlace): Promise<void> {
  const target = words.at(-1) ?? ''
  const to = join(target.startsWith('/') ? place.root : place.workingFolder, target)
  for (const word of words.slice(0, -1)) {
    const from = join(place.source, word)
    const isFolder = (await stat(from)).isDirectory()
    await cp(from, !isFolder && target.endsWith('/') ? join(to, basename(from)) : to, {
      recursive: true,
      verbatimSymlinks: true,
      filter: (path) => place.enters(relative(place.source, path).replaceAll(sep, '/')),
    })
    await stat(to)
  }
}

interface IgnoreRule {
  readonly pattern: RegExp
  readonly ignores: boolean
}

function ignoreRules(text: string): IgnoreRule[] {
  const lines = text.split('\n').map((line) => line.trim())
  return lines
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => ({
      pattern: globPattern(line.replace(/^!/, '')),
      ignores: !line.startsWith('!'),
    }))
}

/** A pattern also matches all that lies below what it names. */
function globPattern(glob: string): RegExp {
  const source = glob
    .replaceAll(/[.+^${}()|[\]\\]/g, String.raw`\$&`)
    .replaceAll(/\*\*\/?|\*|\?/g, (wild) =>
      wild.length > 1 ? '(.*)' : wild === '*' ? '[^/]*' : '[^/]',
    )
  return new RegExp(`^${source}(/.*)?$`)
}

/** The last rule that matches decides. */
function isIgnored(rules: readonly IgnoreRule[], path: string): boolean {
  return rules.findLast((rule) => rule.pattern.test(path))?.ignores ?? false
}
