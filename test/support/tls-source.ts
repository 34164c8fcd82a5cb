import type { TlsPair, TlsSource } from '../../service/credentials/server-certificate.ts'

/** A certificate that stays. */
export function unchangingTls(pair: TlsPair): TlsSource {
  return { pair, onChange: () => () => {} }
}

/** A certificate that the test changes. */
export function changingTls(first: TlsPair): TlsSource & { change(next: TlsPair): void } {
  let pair = first
  const listeners = new Set<(pair: TlsPair) => void>()
  return {
    get pair() {
      return pair
    },
    onChange: (listener) => {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
    change: (next) => {
      pair = next
      for (const listener of listeners) listener(next)
    },
  }
}
