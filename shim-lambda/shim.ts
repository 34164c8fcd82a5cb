import { readConfig, type Environment, type ShimConfig } from './config.ts'
import { openDataKeys, type MakeDataKeys } from './data-key.ts'
import { openGatewayClient, type GatewayClient } from './gateway-client.ts'
import { openTokenSource } from './secrets.ts'
import { openSpillStore, type SpillStore } from './spill.ts'

/** What stays between invocations: settings and open connections. */
export interface Shim {
  readonly config: ShimConfig
  readonly gateway: GatewayClient
  readonly spillStore: SpillStore
  readonly makeDataKeys: MakeDataKeys
}

/** @throws {ConnectorError} invalid_request, naming every wrong setting at once */
export function openShim(environment: Environment | undefined): Shim {
  const config = readConfig(environment)
  return {
    config,
    gateway: openGatewayClient(config.gateway, openTokenSource(config.token, config.region)),
    spillStore: openSpillStore(config.spill, config.region),
    makeDataKeys: openDataKeys(config.encryption, config.region),
  }
}

/** One call of the function: what it may use and how long. */
export interface Invocation {
  /** Opened at the first call that needs it, so that Ping is answered under any settings. */
  shim(): Shim
  readonly deadline: Date
  /** Aborts at the deadline. */
  readonly signal: AbortSignal
}

/** What a call answers, with what the log says of it. */
export interface Answer {
  readonly response: { readonly '@type': string }
  readonly rowCount: number
  /** Arrow body bytes of the rows. */
  readonly blockBytes: number
  readonly spilledCount: number
}
