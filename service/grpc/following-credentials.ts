import { experimental, ServerCredentials } from '@grpc/grpc-js'
import type { TlsPair, TlsSource } from '../credentials/server-certificate.ts'

/** Credentials that follow the certificate: who is connected stays so, who connects later meets the new one. */
export function followingCredentials(tls: TlsSource | undefined): ServerCredentials {
  if (tls === undefined) return ServerCredentials.createInsecure()
  const asksClients = tls.pair.clientAuthority !== undefined
  const provider = providerOf(tls)
  // The names of the first two parameters are swapped in grpc-js 1.14: the certificate is first, and one provider
  // for both would not care.
  return experimental.createCertificateProviderServerCredentials(
    provider,
    asksClients ? provider : null,
    asksClients && tls.clientsMayBeUnknown !== true,
  )
}

function providerOf(tls: TlsSource): experimental.CertificateProvider {
  const stops = new Map<unknown, () => void>()
  const follow = <Update>(
    listener: (update: Update | null) => void,
    updateOf: (pair: TlsPair) => Update | null,
  ) => {
    // Later: grpc-js is not ready to hear of the first one before it has subscribed.
    queueMicrotask(() => listener(updateOf(tls.pair)))
    stops.set(
      listener,
      tls.onChange((pair) => listener(updateOf(pair))),
    )
  }
  const forget = (listener: unknown) => {
    stops.get(listener)?.()
    stops.delete(listener)
  }
  return {
    addCaCertificateListener: (listener) =>
      follow(listener, ({ clientAuthority }) =>
        clientAuthority === undefined ? null : { caCertificate: clientAuthority },
      ),
    addIdentityCertificateListener: (listener) =>
      follow(listener, ({ certificate, key }) => ({ certificate, privateKey: key })),
    removeCaCertificateListener: forget,
    removeIdentityCertificateListener: forget,
  }
}
