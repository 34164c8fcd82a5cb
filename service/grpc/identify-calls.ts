import type { Metadata, ServerInterceptor } from '@grpc/grpc-js'
import { ServerInterceptingCall } from '@grpc/grpc-js'
import type { Identify, ShownCredentials } from '../credentials/caller.ts'
import { certificateNames } from '../credentials/certificate-names.ts'
import { keepCaller } from './caller-of.ts'
import { statusOf } from './error-status.ts'
import type { CallKeeper } from './serve-call.ts'
import { watchCall } from './serve-call.ts'

export interface CallGuard extends CallKeeper {
  readonly identify: Identify
  /** Paths of methods whose credentials come in their messages: they identify their callers themselves. */
  readonly selfIdentified: ReadonlySet<string>
}

/** Asks who calls before anything of a call is read, whatever the method; who is not known goes no further. */
export function identifyCalls(guard: CallGuard): ServerInterceptor {
  return ({ path }, call) =>
    new ServerInterceptingCall(call, {
      start: (next) =>
        next({
          onReceiveMetadata: (metadata, letIn) => {
            if (guard.selfIdentified.has(path)) return letIn(metadata)
            const ended = watchCall(guard, { path })
            guard.identify(shownBy(call, metadata)).then(
              (caller) => {
                keepCaller(metadata, caller)
                letIn(metadata)
              },
              (reason: unknown) => {
                const error = guard.translate(reason)
                ended(error)
                call.sendStatus(statusOf(error))
              },
            )
          },
        }),
    })
}

/** What grpc-js tells of a call's connection; the certificate is there once TLS has verified it. */
type Connected = {
  getAuthContext(): {
    readonly sslPeerCertificate?: { readonly subjectaltname?: string | undefined }
  }
}

/** What a call shows of who makes it. */
export function shownBy(call: Connected, metadata: Metadata): ShownCredentials {
  const [authorization] = metadata.get('authorization')
  const [token] = metadata.get('auth-token-bin')
  const names = call.getAuthContext().sslPeerCertificate?.subjectaltname
  return {
    ...(authorization !== undefined && { authorization: authorization.toString() }),
    ...(token !== undefined && { token: token.toString() }),
    ...(names !== undefined && { certificateNames: certificateNames(names) }),
  }
}
