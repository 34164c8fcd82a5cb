import { GatewayError } from '../errors.ts'
import type { CredentialsProvider, CredentialsSourceName } from './store-credentials.ts'

/** A source that hangs must not take the time of those after it. */
const LINK_MS_MAX = 5_000

/**
 * The first of these that has credentials, asked in their order each time. Its `source` is the one that had some last.
 * Refused keys are no reason to take somebody else's: the same source is asked for newer ones first.
 */
export function providerChain(
  providers: readonly [CredentialsProvider, ...CredentialsProvider[]],
  linkMsMax = LINK_MS_MAX,
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
        const limit = AbortSignal.timeout(linkMsMax)
        try {
          const credentials = await provider.retrieve(request, AbortSignal.any([signal, limit]))
          last = provider
          return credentials
        } catch (reason) {
          if (signal.aborted) throw reason
          const { message } = GatewayError.from(reason)
          const why = limit.aborted ? `no answer for ${linkMsMax} ms` : message
          reasons.push(`${provider.source}: ${why}`)
        }
      }
      throw new GatewayError(
        'unavailable',
        `no source of credentials has any (${reasons.join('; ')})`,
      )
    },
  }
}
