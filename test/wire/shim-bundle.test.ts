import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { isBuiltin } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import t from 'tap'
import { startFakeGateway } from '../support/fake-gateway.ts'
import { head, inlineSplit, readRequest, table } from './shim-stage.ts'

const run = promisify(execFile)
const bundler = fileURLToPath(new URL('../../shim-lambda/bundle.mjs', import.meta.url))

/** Calls the bundle's handler once per event in a process that has nothing else, and prints the answers. */
const caller = `
  const { handler } = await import(process.argv[1])
  for (const event of JSON.parse(process.argv[2])) {
    const answer = await handler(event).catch(({ name, message }) => ({ name, message }))
    process.stderr.write(JSON.stringify(answer) + '\\n')
  }
  process.exit()
`

t.test('is one file that needs nothing beside it', async (t) => {
  const outfile = join(t.testdir(), 'index.mjs')
  const { stdout } = await run(process.execPath, [bundler, outfile])
  t.match(stdout, /index\.mjs: \d+ KiB\n$/)

  const imports = [
    ...readFileSync(outfile, 'utf8').matchAll(/(?:^|;)import[^"';]*from\s*["']([^"']+)/g),
  ]
  t.ok(imports.length > 0)
  for (const [, specifier = ''] of imports) t.ok(isBuiltin(specifier), specifier)

  const gateway = await startFakeGateway({ table })
  t.teardown(() => gateway.close())
  const events = [
    { '@type': 'PingRequest', ...head },
    readRequest({ split: inlineSplit }),
    { '@type': '__proto__' },
  ]
  const url = pathToFileURL(outfile).href
  const { stderr } = await run(
    process.execPath,
    ['--input-type=module', '--eval', caller, url, JSON.stringify(events)],
    {
      cwd: t.testdirName,
      env: {
        PATH: process.env['PATH'],
        SPILLWAY_GATEWAY: gateway.address,
        AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true',
      },
    },
  )
  const [ping, read, refused] = stderr
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as object)
  t.match(ping, { '@type': 'PingResponse', serDeVersion: 5, capabilities: 24 })
  t.match(read, { '@type': 'ReadRecordsResponse' })
  t.match(refused, {
    name: 'com.amazonaws.athena.connector.lambda.exceptions.AthenaConnectorException',
    message: /^invalid_request: /,
  })
})
