import { readFile, readdir } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { basename, extname, join, relative, sep } from 'node:path'

// Rules of the house that no linter knows. Each takes the repository's folder and returns one sentence for
// every place that breaks the rule.

const sourceFolders = ['service', 'shim-lambda', 'test']
const sourceExtensions = new Set(['.ts', '.mjs', '.cjs', '.js'])
/** As the linter's max-lines, which does not see scripts that lint ignores. */
const linesMax = 400
const emptyNames = /^(utils?|helpers?|common|misc|types|index)\./
/** The files that may see the environment; everybody else is given a Config. */
const settingsReader = /^(service\/config(\/.+)?\.ts|service\/main\.ts|shim-lambda\/config\.ts)$/
const environment = /\bprocess\s*(\?\.|\.|\[\s*['"`])\s*env\b|\benv\b[^\n]*from 'node:process'/
const setting = /\bSPILLWAY_[A-Z0-9_]*[A-Z0-9]\b/g
const testFile = /\btest\/[a-z0-9/-]+\.test\.ts\b/g
const THREATS = 'Threats, and the tests that stand behind each line'
const metric = /\bspillway_[a-z0-9_]*[a-z0-9]\b/g

/** ARCHITECTURE.md's line of floors, dependency-cruiser's list and the folders of service/ say the same. */
export async function floorsFindings(root: string): Promise<string[]> {
  const listed = listedRooms(root)
  const floors = (await sectionOf(join(root, 'ARCHITECTURE.md'), 'Floors')).split('\n')[0] ?? ''
  const homeless = (await roomsOf(root)).filter((room) => !listed.includes(room))
  return [
    ...(floors === listed.join(' · ')
      ? []
      : ['the floors in ARCHITECTURE.md are not those of .dependency-cruiser.cjs']),
    ...homeless.map((room) => `service/${room} is on no floor`),
  ]
}

/** Every room, every other folder at the top, and every folder of test/ and deploy/ is named in ARCHITECTURE.md. */
export async function folderFindings(root: string): Promise<string[]> {
  const page = await readFile(join(root, 'ARCHITECTURE.md'), 'utf8')
  const rooms = listedRooms(root).filter((room) => !page.includes(`| \`${room}\` `))
  const nested = await Promise.all(['deploy', 'test'].map((top) => foldersOf(join(root, top))))
  const folders = ['shim-lambda', 'proto', 'deploy', 'test', ...nested.flat()]
  const unnamed = folders.filter((folder) => !page.includes(`\`${folder}/\``))
  return [...rooms, ...unnamed].map((name) => `ARCHITECTURE.md does not name ${name}`)
}

/** Only the readers of settings mention the environment. */
export async function environmentFindings(root: string): Promise<string[]> {
  const files = await sourcesOf(root, ['service', 'shim-lambda'])
  return files
    .filter((file) => environment.test(file.text) && !settingsReader.test(file.path))
    .map((file) => `${file.path} reads the environment`)
}

/** File names say something, and files are short enough to be read at once. */
export async function fileFindings(root: string): Promise<string[]> {
  const files = await sourcesOf(root, sourceFolders)
  const empty = files.filter((file) => emptyNames.test(basename(file.path)))
  const long = files.filter((file) => file.text.trimEnd().split('\n').length > linesMax)
  return [
    ...empty.map((file) => `${file.path} has a name that says nothing`),
    ...long.map((file) => `${file.path} has more than ${linesMax} lines`),
  ]
}

/** The settings that are read are those of README's tables. */
export async function settingFindings(root: string): Promise<string[]> {
  const files = await sourcesOf(root, ['service', 'shim-lambda'])
  const readers = files.filter((file) => settingsReader.test(file.path))
  const read = namesIn(readers.map((file) => file.text).join('\n'), setting)
  return differences(root, 'Settings', read, setting)
}

/** The metrics of the registry are those of README's table. */
export async function metricFindings(root: string): Promise<string[]> {
  const files = await sourcesOf(root, ['service/metrics'])
  const kept = namesIn(files.map((file) => file.text).join('\n'), metric)
  return differences(root, 'Metrics', kept, metric)
}

/** README's table of errors has every code, with its retry, in the order of the closed list. */
export async function errorFindings(
  root: string,
  errorCodes: Readonly<Record<string, string>>,
): Promise<string[]> {
  const rows = tableRows(await sectionOf(join(root, 'README.md'), 'Errors'))
  const documented = rows.map(([code = '', retry = '']) => `${code.replaceAll('`', '')} ${retry}`)
  const listed = Object.entries(errorCodes).map(([code, retry]) => `${code} ${retry}`)
  return documented.join() === listed.join()
    ? []
    : [`README.md says ${documented.join(', ')}; the list is ${listed.join(', ')}`]
}

/** The tests that SECURITY.md names are there, and every line of its threats names one. */
export async function securityFindings(root: string): Promise<string[]> {
  const section = await sectionOf(join(root, 'SECURITY.md'), THREATS)
  const rows = tableRows(section)
  const named = namesIn(section, testFile)
  const files = (await sourcesOf(root, ['test'])).map(({ path }) => path)
  return [
    ...(rows.length > 0 ? [] : ['SECURITY.md has no table of threats']),
    ...rows
      .filter((row) => !row.at(-1)?.match(testFile))
      .map(([threat]) => `SECURITY.md names no test for: ${threat}`),
    ...named.filter((file) => !files.includes(file)).map((file) => `there is no ${file}`),
  ]
}

async function differences(root: string, heading: string, used: string[], name: RegExp) {
  const rows = tableRows(await sectionOf(join(root, 'README.md'), heading))
  const documented = namesIn(rows.map(([first]) => first).join('\n'), name)
  return [
    ...used.filter((one) => !documented.includes(one)).map((one) => `README.md lacks ${one}`),
    ...documented
      .filter((one) => !used.includes(one))
      .map((one) => `nobody uses README.md's ${one}`),
  ]
}

/** The rooms as the rules have them: the lowest floor, and all that it must not import. */
function listedRooms(root: string): string[] {
  const configuration: Configuration = createRequire(join(root, 'package.json'))(
    './.dependency-cruiser.cjs',
  )
  const rule = configuration.forbidden.find(({ name }) => name.endsWith('-imports-upward'))
  return [...roomsIn(rule?.from.path), ...roomsIn(rule?.to.path)]
}

function roomsIn(path = ''): string[] {
  return /\((.*?)\)/.exec(path)?.[1]?.split('|') ?? []
}

interface Configuration {
  readonly forbidden: readonly {
    readonly name: string
    readonly from: { readonly path?: string }
    readonly to: { readonly path?: string }
  }[]
}

async function roomsOf(root: string): Promise<string[]> {
  const entries = await readdir(join(root, 'service'))
  return [...new Set(entries.map((entry) => basename(entry, '.ts')))]
}

async function foldersOf(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true })
  return entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name)
}

interface Source {
  /** From the root, with `/` between folders. */
  readonly path: string
  readonly text: string
}

async function sourcesOf(root: string, folders: readonly string[]): Promise<Source[]> {
  const listings = await Promise.all(
    folders.map((folder) => readdir(join(root, folder), { recursive: true, withFileTypes: true })),
  )
  const files = listings
    .flat()
    .filter((entry) => entry.isFile() && sourceExtensions.has(extname(entry.name)))
    .map((entry) => join(entry.parentPath, entry.name))
  return Promise.all(
    files.map(async (file) => ({
      path: relative(root, file).replaceAll(sep, '/'),
      text: await readFile(file, 'utf8'),
    })),
  )
}

/** The text below a heading of the second level, without the heading. */
async function sectionOf(file: string, heading: string): Promise<string> {
  const text = await readFile(file, 'utf8')
  const section = text.split(/^## /m).find((part) => part.startsWith(`${heading}\n`))
  return section?.slice(heading.length).trim() ?? ''
}

/** The cells of every table row, without headings. */
function tableRows(section: string): string[][] {
  const rows = section.split('\n').filter((line) => line.startsWith('|'))
  return rows
    .filter((row, index) => !isRule(row) && !isRule(rows[index + 1]))
    .map((row) =>
      row
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim()),
    )
}

/** The line between a table's headings and its body. */
function isRule(row: string | undefined): boolean {
  return row !== undefined && /^\|[\s|:-]+\|$/.test(row)
}

function namesIn(text: string, name: RegExp): string[] {
  return [...new Set(text.match(name))].toSorted()
}
