import type { Environment } from '../config.ts'
import { exitCodes } from './exit-codes.ts'
import { packageVersion } from './package-version.ts'

const usage = `usage: spillway <command> [options]

  serve               run the gateway, configured by environment (README.md, "Settings")
  demo [--keep]       set up a store with sample data, run queries through gateway and shim, print what
                      happened; --keep leaves it running
  credentials [--format json|env|aws-process]
                      print the store's credentials of this moment, for other programs
  caller add|rotate|remove|list
                      who may call the gateway, in its callers file (spillway caller --help)
  tables [SCHEMA]     names of tables
  describe S.T        columns and size of a table
  plan S.T            what a read would do, and what it leaves out
  read S.T            rows, as a table, CSV, JSON or Arrow
                      (spillway tables --help, and so on, tells the options)

  --help, --version
`

/** Runs one command, and loads no other's code; resolves to the exit code when it is over. */
export async function runCommand(words: readonly string[], env: Environment): Promise<number> {
  const [command, ...options] = words
  switch (command) {
    case 'serve': {
      if (options.length > 0) return refuse(`serve takes no options: ${options.join(' ')}`)
      const { serve } = await import('./serve.ts')
      return serve(env)
    }
    case 'demo': {
      const unknown = options.filter((option) => option !== '--keep')
      if (unknown.length > 0) return refuse(`demo does not know ${unknown.join(' ')}`)
      const { demo } = await import('../demo/demo.ts')
      return demo({ env, keep: options.includes('--keep') })
    }
    case 'credentials':
      return credentials(options, env)
    case 'caller': {
      const { callerCommand } = await import('./caller.ts')
      return callerCommand(options, env)
    }
    case 'tables':
    case 'describe':
    case 'plan':
    case 'read': {
      const { clientCommand } = await import('./client-command.ts')
      return clientCommand(command, options, env)
    }
    case '--version':
      process.stdout.write(`${packageVersion()}\n`)
      return exitCodes.good
    case '--help':
    case 'help':
      process.stdout.write(usage)
      return exitCodes.good
    case undefined:
      return refuse('a command is missing')
    default:
      return refuse(`no such command: ${command}`)
  }
}

async function credentials(options: readonly string[], env: Environment): Promise<number> {
  const { credentialsFormats, printCredentials } = await import('./credentials.ts')
  const [word = '--format', name = 'json', ...more] = options
  const format = credentialsFormats.find((one) => one === name)
  if (word === '--format' && format !== undefined && more.length === 0)
    return printCredentials(env, format)
  return refuse(`credentials takes --format ${credentialsFormats.join('|')}`)
}

function refuse(problem: string): number {
  process.stderr.write(`spillway: ${problem}\n\n${usage}`)
  return exitCodes.usage
}
