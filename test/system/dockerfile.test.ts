import { execFile, spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, readFile, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { promisify } from 'node:util'
import t, { type Test } from 'tap'
import {
  commandOf,
  environmentOf,
  parseDockerfile,
  performStages,
  type Stage,
} from '../support/dockerfile-steps.ts'

const run = promisify(execFile)
const context = resolve(import.meta.dirname, '../..')
const stages = parseDockerfile(await readFile(join(context, 'Dockerfile'), 'utf8'))
const final = stages.at(-1) ?? { image: '', name: '', instructions: [] }

// The steps install two thousand files and compile; a cold package cache takes its time.
t.setTimeout(600_000)

t.test('every stage starts from one exact version of Node', async (t) => {
  t.ok(stages.length > 1)
  for (const { image } of stages) t.match(image, /^node:24\.\d+\.\d+-bookworm-slim$/)
  t.equal(new Set(stages.map(({ image }) => image)).size, 1)
})

t.test('the service does not run as root', async (t) => {
  const user = final.instructions.findLast(({ name }) => name === 'USER')?.text ?? 'root'
  t.notMatch(user, /^(root|0)(:|$)/)
})

t.test('the image listens where its ports are published', async (t) => {
  const exposed = final.instructions.find(({ name }) => name === 'EXPOSE')?.text.split(' ')
  t.match(environmentOf(final), {
    SPILLWAY_HTTP_ADDRESS: `0.0.0.0:${exposed?.[0]}`,
    SPILLWAY_GRPC_ADDRESS: `0.0.0.0:${exposed?.[1]}`,
  })
})

t.test(
  'what the steps make serves, says so to the health check, and drains on its stop signal',
  async (t) => {
    const folder = await mkdtemp(join(tmpdir(), 'spillway-image-'))
    t.teardown(() => rm(folder, { recursive: true }))
    const env = environmentForBuilding()
    const workingFolder = await performStages(stages, { context, folder, env })
    t.strictSame((await readdir(workingFolder)).toSorted(), [
      'dist',
      'node_modules',
      'package.json',
    ])
    t.notOk((await readdir(join(workingFolder, 'node_modules'))).includes('typescript'))

    const gateway = await start(t, workingFolder)
    const answer = await fetch(`${gateway.http}/healthz`)
    t.equal(answer.status, 200)
    t.equal(await isHealthy(final, gateway.http), true)

    const exited = once(gateway.process, 'exit')
    const signal = final.instructions.find(({ name }) => name === 'STOPSIGNAL')?.text
    gateway.process.kill(signal as NodeJS.Signals)
    t.strictSame(await exited, [0, null])
    t.equal(await isHealthy(final, gateway.http), false)
  },
)

/** This machine's variables without the test runner's: npm finds its registry and its cache by them. */
function environmentForBuilding(): NodeJS.ProcessEnv {
  const foreign = /^(NODE_|_?TAP|npm_(?!config_)|SPILLWAY_)/
  const entries = Object.entries(process.env).filter(([name]) => !foreign.test(name))
  return { ...Object.fromEntries(entries), npm_config_prefer_offline: 'true' }
}

interface Gateway {
  readonly process: ChildProcess
  /** Where it listens: `http://host:port`. */
  readonly http: string
}

/** Starts the image's command with an empty folder for a store, and waits for its line "listening". */
async function start(t: Test, workingFolder: string): Promise<Gateway> {
  const store = join(workingFolder, 'store')
  await mkdir(store)
  const [program = '', ...words] = [...commandOf(final, 'ENTRYPOINT'), ...commandOf(final, 'CMD')]
  const child = spawn(program, words, {
    cwd: workingFolder,
    stdio: ['ignore', 'pipe', 'inherit'],
    env: {
      ...environmentOf(final),
      PATH: process.env['PATH'],
      SPILLWAY_HTTP_ADDRESS: '127.0.0.1:0',
      SPILLWAY_GRPC_ADDRESS: '127.0.0.1:0',
      SPILLWAY_ALLOW_ANONYMOUS: 'true',
      SPILLWAY_STORE_URL: `file://${store}`,
    },
  })
  t.teardown(() => child.kill('SIGKILL'))
  for await (const line of createInterface({ input: child.stdout })) {
    const { msg, http } = JSON.parse(line) as { msg?: string; http?: string }
    if (msg !== 'listening' || http === undefined) continue
    child.stdout.resume()
    return { process: child, http }
  }
  throw new Error('the gateway ended before it listened')
}

/** What the image's health check says of a gateway that listens there. */
async function isHealthy(stage: Stage, http: string): Promise<boolean> {
  const [program = '', ...words] = commandOf(stage, 'HEALTHCHECK')
  const env = { PATH: process.env['PATH'], SPILLWAY_HTTP_ADDRESS: new URL(http).host }
  try {
    await run(program, words, { env })
    return true
  } catch {
    return false
  }
}
