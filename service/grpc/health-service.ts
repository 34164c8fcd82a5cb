import type { Server, ServerWritableStream } from '@grpc/grpc-js'
import { HealthImplementation } from 'grpc-health-check'

/** gRPC's own health service (`grpc.health.v1`), for the server as a whole. */
export interface HealthService {
  sayServing(): void
  /** Tells the watchers and ends their calls: a draining server would wait for them. */
  sayNotServing(): void
}

type Watch = ServerWritableStream<unknown, unknown>

/** Adds the service to the server; it says NOT_SERVING until it is told otherwise. */
export function addHealthService(server: Server): HealthService {
  const health = new HealthImplementation({ '': 'NOT_SERVING' })
  const watches = new Set<Watch>()
  health.addToServer({
    addService(definition, implementation) {
      const watch = implementation['watch'] as (call: Watch) => void
      const remembered = (call: Watch) => {
        watches.add(call)
        call.on('cancelled', () => watches.delete(call))
        watch(call)
      }
      server.addService(definition, { ...implementation, watch: remembered })
    },
  })
  return {
    sayServing: () => health.setStatus('', 'SERVING'),
    sayNotServing: () => {
      health.setStatus('', 'NOT_SERVING')
      for (const call of watches) call.end()
      watches.clear()
    },
  }
}
