import { GatewayError } from '../errors.ts'
import type { CredentialsProvider, CredentialsSourceName } from './store-credentials.ts'

/**
 * The first of these that has credentials, asked in their order each time. Its `source` is the one that had some last.
 * Refused keys are no reason to take somebody else's: the same source is asked for newer ones first.
 */
export function providerChain(
  providers: readonly [CredentialsProvider, ...CredentialsProvider[]],
): CredentialsProvider {
  if (providers.length === 1) return providers[0]
  let last = providers[0]
  return {
    get source(): CredentialsSourceName {
      return last.source
    },
    get ttlMs(): number {
      return last.ttlMs ?? Number.POSITIVE_INFINITY
    },
    changed: () => providers.some((provider) => provider.changed?.() ?? false),
    async retrieve(request, signal) {
      const reasons: string[] = []
      for (const provider of providers) {
        try {
          const credentials = await provider.retrieve(request, signal)
          last = provider
          return credentials
        } catch (reason) {
          if (signal.aborted) throw reason
          reasons.push(`${provider.source}: ${GatewayError.from(reason).message}`)
        }
      }
      throw new GatewayError(
        'unavailable',
        `no source of credentials has any (${reasons.join('; ')})`,
      )
    },
  }
}
