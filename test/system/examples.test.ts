import { execFile, execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { promisify, stripVTControlCharacters } from 'node:util'
import t from 'tap'
import { startStack } from '../support/start-stack.ts'
import { longs, writeParquet } from '../support/write-parquet.ts'

// Seconds alone, more beside others; Go is compiled first.
t.setTimeout(600_000)

const folder = fileURLToPath(new URL('../../deploy/examples/', import.meta.url))
const environmentPython = fileURLToPath(new URL('../../.cache/venv/bin/python', import.meta.url))
const python = existsSync(environmentPython) ? environmentPython : 'python3'
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
  pythonExample('spark_flight.py', flight, 'pyspark', 'pandas', 'pyarrow.flight'),
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

function endsWell([command = '', ...words]: readonly string[]): boolean {
  try {
    execFileSync(command, words, { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}
