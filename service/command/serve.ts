import { once } from 'node:events'
import type { Logger } from 'pino'
import { pino } from 'pino'
import type { Gateway } from '../compose.ts'
import { composeGateway } from '../compose.ts'
import type { Environment } from '../config.ts'
import { GatewayError } from '../errors.ts'
import { configOrProblems } from './config-or-problems.ts'
import { exitCodes } from './exit-codes.ts'
import { packageVersion } from './package-version.ts'

/** The gateway, until SIGTERM or SIGINT; then it drains. */
export async function serve(env: Environment): Promise<number> {
  const config = configOrProblems(env)
  if (!config) return exitCodes.usage
  const log = pino({ level: config.logLevel })
  try {
    const gateway = await composeGateway(config, { log, version: packageVersion() })
    try {
      await untilStopped(gateway, log)
    } finally {
      // Also when one port is taken: the other one and the workers would keep the process alive.
      await gateway.close()
    }
    log.info('closed')
    return exitCodes.good
  } catch (reason) {
    const error = GatewayError.from(reason)
    log.fatal({ code: error.code, cause: error.cause }, error.message)
    // What is wrong with a file that a setting names is as wrong as a setting.
    return error.code === 'invalid_request' ? exitCodes.usage : exitCodes.failed
  }
}

async function untilStopped(gateway: Gateway, log: Logger): Promise<void> {
  const stopped = stopSignal()
  const addresses = await gateway.listen()
  // Programs wait for this line, whatever the level.
  log.child({}, { level: 'info' }).info(addresses, 'listening')
  log.info({ signal: await stopped }, 'draining')
}

async function stopSignal(): Promise<string> {
  const controller = new AbortController()
  const waits = ['SIGTERM', 'SIGINT'].map(async (name) => {
    await once(process, name, { signal: controller.signal })
    return name
  })
  try {
    return await Promise.race(waits)
  } finally {
    controller.abort()
    await Promise.allSettled(waits)
  }
}
