/** Somebody's real tickets, from which others are forged. */
export interface RealTickets {
  /** Good ones of the caller; at least two. */
  readonly good: readonly Uint8Array[]
  /** Of the caller, but over. */
  readonly expired: readonly Uint8Array[]
  /** Good ones of somebody else. */
  readonly foreign: readonly Uint8Array[]
  /** Sealed with a key that is not the gateway's. */
  readonly otherKey: readonly Uint8Array[]
  /** Sealed bytes that are no tickets, such as continuation tokens. */
  readonly otherKind: readonly Uint8Array[]
}

export interface ForgedTicket {
  readonly how: string
  readonly ticket: Uint8Array
}

/** Version, key id and nonce, which are not encrypted. */
const HEADER_BYTES = 17

/**
 * Forged tickets without end, of every way in turn. No two bytes of a real ticket are told apart from random ones, so that
 * each forgery differs from all real ones.
 *
 * @param random from 0 to 1, the same for the same seed
 */
export function* forgedTickets(
  real: RealTickets,
  random: () => number,
): Generator<ForgedTicket, never> {
  const below = (count: number): number => Math.floor(random() * count)
  const pick = (tickets: readonly Uint8Array[]): Buffer => {
    const ticket = tickets[below(tickets.length)]
    if (ticket === undefined) throw new Error('there are no such tickets')
    return Buffer.from(ticket)
  }
  const ways: Readonly<Record<string, () => Buffer>> = {
    'a bit flipped': () => {
      const ticket = pick(real.good)
      const at = below(ticket.length)
      ticket[at] = (ticket[at] ?? 0) ^ (1 << below(8))
      return ticket
    },
    cut: () => {
      const ticket = pick(real.good)
      return ticket.subarray(0, below(ticket.length))
    },
    'bytes added': () => Buffer.concat([pick(real.good), Buffer.alloc(1 + below(64), below(256))]),
    'two bytes swapped': () => {
      const ticket = pick(real.good)
      const [left, right] = [below(ticket.length), below(ticket.length)]
      const [a = 0, b = 0] = [ticket[left], ticket[right]]
      if (a === b) ticket[left] = a ^ 1
      else [ticket[left], ticket[right]] = [b, a]
      return ticket
    },
    'the head of one, the body of another': () => {
      const [head, body] = [pick(real.good), pick(real.good)]
      const bytes = Buffer.concat([head.subarray(0, HEADER_BYTES), body.subarray(HEADER_BYTES)])
      return real.good.some((one) => bytes.equals(one)) ? Buffer.alloc(0) : bytes
    },
    'random bytes': () => Buffer.from(Array.from({ length: below(300) }, () => below(256))),
    'of another caller': () => pick(real.foreign),
    'of another key': () => pick(real.otherKey),
    'of another kind': () => pick(real.otherKind),
    expired: () => pick(real.expired),
  }
  for (;;) for (const [how, forge] of Object.entries(ways)) yield { how, ticket: forge() }
}
