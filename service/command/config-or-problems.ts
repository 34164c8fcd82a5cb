import type { Config, Environment } from '../config.ts'
import { ConfigError, readConfig } from '../config.ts'

/** The settings, or undefined when some are wrong, which is told on stderr. */
export function configOrProblems(env: Environment): Config | undefined {
  try {
    return readConfig(env)
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    process.stderr.write(`spillway: ${error.message}\n`)
    return undefined
  }
}
