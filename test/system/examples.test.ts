import { execFile, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { promisify, stripVTControlCharacters } from 'node:util'
import { runInThisContext } from 'node:vm'
import t from 'tap'
import { startStack } from '../support/start-stack.ts'
import { longs, writeParquet } from '../support/write-parquet.ts'

// Seconds alone, more beside others; Go is compiled first.
t.setTimeout(600_000)

const folder = fileURLToPath(new URL('../../deploy/examples/', import.meta.url))
const environmentPython = fileURLToPath(new URL('../../.cache/venv/bin/python', import.meta.url))
const python = existsSync(environmentPython) ? environmentPython : 'python3'
/** Spark takes half a gigabyte: `test/bench/install-python.sh spark` puts it into an environment of its own. */
const sparkPython = fileURLToPath(new URL('../../.cache/venv-spark/bin/python', import.meta.url))
const rowCount = 1_000

const stack = await startStack()
t.teardown(() => stack.close())
const numbers = Array.from({ length: rowCount }, (_, row) => row)
await stack.client.makeBucket('lake')
await stack.client.putObject(
  'lake',
  'tables/numbers/a.parquet',
  writeParquet([['n', longs(numbers)]], { rowsPerGroup: 100 }),
)

/** Java too must be there. */
const sparkProbe =
  'import pandas, pyarrow.flight, pyspark, subprocess; subprocess.run(["java", "-version"], check=True)'

interface Example {
  readonly file: string
  readonly address: string
  readonly program: readonly string[]
  /** Ends well where the example's tools are installed. */
  readonly probe: readonly string[]
}

const flight = `grpc://${stack.grpc}`
const pythonExample = (file: string, address: string, ...modules: string[]): Example => ({
  file,
  address,
  program: [python, file],
  probe: [python, '-c', `import ${modules.join(', ')}`],
})

const examples: readonly Example[] = [
  {
    file: 'curl.sh',
    address: stack.http,
    program: ['sh', 'curl.sh'],
    probe: ['curl', '--version'],
  },
  pythonExample('pandas_link.py', stack.http, 'pandas'),
  pythonExample('pyarrow_http.py', stack.http, 'pyarrow.ipc'),
  pythonExample('duckdb_http.py', stack.http, 'duckdb', 'pyarrow.ipc'),
  pythonExample('pyarrow_flight.py', flight, 'pyarrow.flight'),
  pythonExample('polars_flight.py', flight, 'polars', 'pyarrow.flight'),
  pythonExample('duckdb_flight.py', flight, 'duckdb', 'pyarrow.flight'),
  pythonExample('dask_flight.py', flight, 'dask.dataframe', 'pyarrow.flight'),
  {
    file: 'spark_flight.py',
    address: flight,
    program: [sparkPython, 'spark_flight.py'],
    probe: [sparkPython, '-c', sparkProbe],
  },
  {
    file: 'node_stream.mjs',
    address: stack.http,
    program: [process.execPath, 'node_stream.mjs'],
    probe: [process.execPath, '--version'],
  },
  {
    file: 'go/main.go',
    address: stack.grpc,
    program: ['go', '-C', 'go', 'run', '.'],
    probe: ['go', '-C', `${folder}go`, 'mod', 'download'],
  },
  {
    file: 'java/read.sh',
    address: flight,
    program: ['sh', 'java/read.sh'],
    probe: ['mvn', '-q', '-f', `${folder}java`, 'compile'],
  },
]

for (const { file, address, program, probe } of examples) {
  const skip = endsWell(probe) ? false : `its tools are not installed: ${probe.join(' ')} fails`
  t.test(`${file} counts the rows of its filter`, { skip }, async (t) => {
    const [command = '', ...words] = program
    const { stdout } = await promisify(execFile)(command, [...words, address, 'lake', 'numbers'], {
      cwd: folder,
    })
    // Maven resets the colours of terminals that are none.
    t.equal(stripVTControlCharacters(stdout).trim(), String(rowCount - 10))
  })
}

/** What page.js asks of a page: three elements and what is in the form. */
function pageOf(fields: Readonly<Record<string, string>>) {
  const submits: ((event: { preventDefault(): void }) => void)[] = []
  const elements = {
    form: {
      addEventListener: (_: string, submit: (typeof submits)[number]) => submits.push(submit),
    },
    output: { value: '' },
    pre: { textContent: '' },
  }
  const document = { querySelector: (name: keyof typeof elements) => elements[name] }
  const FormData = function formData() {
    return Object.entries(fields)
  }
  return { elements, submits, globals: { document, FormData } }
}

t.test('page/ counts the rows of its filter, by the scripts that the page names', async (t) => {
  const server = spawn(process.execPath, ['page/serve.mjs', stack.http, '0'], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  t.teardown(() => server.kill())
  const [line] = (await once(server.stdout, 'data')) as [Buffer]
  const address = line.toString().trim()
  const get = async (path: string) => {
    const answer = await fetch(new URL(path, address))
    t.equal(answer.status, 200, path)
    return answer.text()
  }
  const html = await get('/')
  const page = pageOf({ schema: 'lake', table: 'numbers', filter: 'n >= 10' })
  // Scripts run in this realm, where streams and typed arrays are those of fetch, as in a page.
  const fetchHere = globalThis.fetch
  const fetched = (path: string, init: RequestInit) => fetchHere(new URL(path, address), init)
  t.intercept(globalThis, 'fetch', { value: fetched, configurable: true })
  for (const [name, value] of Object.entries(page.globals)) {
    t.intercept(globalThis, name as 'FormData', { value: value as never, configurable: true })
  }
  t.teardown(() => Reflect.deleteProperty(globalThis, 'Arrow'))
  for (const [, source = ''] of html.matchAll(/<script src="([^"]+)">/g)) {
    const script = await (await fetchHere(new URL(source, address))).text()
    runInThisContext(script, { filename: source })
  }
  page.submits[0]?.({ preventDefault() {} })
  const { output, pre } = page.elements
  const deadline = Date.now() + 60_000
  while (String(output.value) !== String(rowCount - 10) && Date.now() < deadline) {
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  t.equal(String(output.value), String(rowCount - 10))
  t.match(pre.textContent, /^\{"n": 10\}\n\{"n": 11\}\n/)
})

function endsWell([command = '', ...words]: readonly string[]): boolean {
  try {
    execFileSync(command, words, { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}
