import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { GatewayProcess } from './gateway-process.ts'
import { demoNames } from './seed-store.ts'

/** A command of the demo has as long as one of its queries. */
const COMMAND_TIMEOUT_MS = 120_000

const orders = `${demoNames.schema}.orders`
const condition = `day = DATE '2026-11-02' AND amount > 499`

const commands: readonly { readonly title: string; readonly words: string }[] = [
  {
    title: 'Arrow Flight, from the command line; any Flight client can do the same',
    words: `read ${orders} --columns order_id,city,amount --limit 4 --format table`,
  },
  {
    title: 'What such a read would cost, and why',
    words: `plan ${orders} --columns order_id,city,amount`,
  },
]

/** Reads without Athena: by Arrow Flight and by a plain link. Each is one text with what was asked and answered. */
export async function* demoReads(
  gateway: GatewayProcess,
  environment: Readonly<Record<string, string>>,
): AsyncGenerator<string, void> {
  for (const { title, words } of commands) {
    const rest = ['--where', condition, '--gateway', gateway.grpc]
    const answer = await runCommand([...words.split(' '), ...rest], environment)
    yield report(
      title,
      `npx spillway ${words} --where "${condition}" --gateway ${gateway.grpc}`,
      answer,
    )
  }
  const link = `${gateway.http}/v1/read?schema=${demoNames.schema}&table=cities&format=csv`
  const answer = await fetch(link, { signal: AbortSignal.timeout(COMMAND_TIMEOUT_MS) })
  const text = await answer.text()
  if (!answer.ok) throw new Error(`${link}: ${text}`)
  yield report('A link: browsers, pandas.read_csv and spreadsheets open it', `curl '${link}'`, text)
}

function report(title: string, typed: string, answer: string): string {
  return [
    `── ${title}`,
    `   ${typed}`,
    answer.trimEnd().replaceAll('\r', '').replace(/^/gm, '   '),
    '',
  ].join('\n')
}

/** Runs this very program, as a user would. */
async function runCommand(
  words: readonly string[],
  environment: Readonly<Record<string, string>>,
): Promise<string> {
  const isCompiled = import.meta.url.endsWith('.js')
  const main = fileURLToPath(new URL(isCompiled ? '../main.js' : '../main.ts', import.meta.url))
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [...(isCompiled ? [] : ['--import=tsx']), main, ...words],
    { env: environment, timeout: COMMAND_TIMEOUT_MS },
  )
  return stdout
}
