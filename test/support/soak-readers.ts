import { createHash } from 'node:crypto'
import { setTimeout as after } from 'node:timers/promises'
import type { ServiceError } from '@grpc/grpc-js'
import type { Block } from '../../proto/gen/spillway/v1/federation_pb.ts'
import { type FederationClient, federationClient } from './federation-client.ts'
import { goodTables, soakSchema } from './soak-tables.ts'

/** What a reader may hear while the store is faulty: to be asked again. */
const passingCodes = new Set(['unavailable', 'busy', 'deadline_exceeded'])
/** What the file's owner must act on. */
const fileCodes = new Set(['unreadable_file', 'unsupported', 'too_large'])

const SLOW_BLOCK_BYTES = 64 * 1024
const SLOW_BLOCK_MS = 100
const SLOW_BLOCKS = 100
const CANCEL_BLOCKS_MAX = 4
const CALL_MS_MAX = 60_000

export interface SoakReadersOptions {
  /** `host:port`. */
  readonly grpc: string
  readonly hostileTables: readonly string[]
  /** From 0 to below 1. */
  readonly random: () => number
}

/**
 * Eight readers that ask again and again until `stop`: four compare every byte, two leave in the middle, one is slow,
 * one reads damaged files.
 */
export class SoakReaders {
  /** How often what came out. */
  readonly counts: Record<string, number> = {}
  /** Answers that no reader may get. */
  readonly wrong: string[] = []
  readonly #options: SoakReadersOptions
  readonly #hashes = new Map<string, string>()
  readonly #clients: FederationClient[] = []
  #isOver = false
  #running: Promise<unknown> = Promise.resolve()

  constructor(options: SoakReadersOptions) {
    this.#options = options
  }

  /** Reads the good tables once, while nothing is wrong: what all later readings are compared with. */
  async learn(): Promise<void> {
    const client = this.#open()
    for (const table of goodTables) this.#hashes.set(table, await tableHash(client, table))
  }

  start(): void {
    const readers = [
      () => this.#compare('orders'),
      () => this.#compare('orders'),
      () => this.#compare('orders'),
      () => this.#compare('nested'),
      () => this.#leave(),
      () => this.#leave(),
      () => this.#readSlowly(),
      () => this.#readHostile(),
    ]
    this.#running = Promise.all(readers.map((reader) => reader()))
  }

  async stop(): Promise<void> {
    this.#isOver = true
    await this.#running
    for (const client of this.#clients) client.close()
  }

  #open(): FederationClient {
    const client = federationClient(this.#options.grpc)
    this.#clients.push(client)
    return client
  }

  async #compare(table: string): Promise<void> {
    const client = this.#open()
    await this.#forever(passingCodes, async () => {
      if ((await tableHash(client, table)) === this.#hashes.get(table)) return 'right'
      this.wrong.push(`${table}: other bytes`)
      return 'other bytes'
    })
  }

  async #leave(): Promise<void> {
    const client = this.#open()
    await this.#forever(passingCodes, async () => {
      for (const split of await client.plan({ schema: soakSchema, table: 'orders' })) {
        const stream = client.readSplit({ ...split, blockBytesTarget: SLOW_BLOCK_BYTES })
        let left = Math.floor(this.#options.random() * CANCEL_BLOCKS_MAX)
        for await (const _ of stream) if (left-- === 0) break
        // Leaving the loop destroys the stream; gRPC is told besides.
        stream.on('error', () => {}).cancel()
      }
      return 'left'
    })
  }

  async #readSlowly(): Promise<void> {
    const client = this.#open()
    await this.#forever(passingCodes, async () => {
      for (const split of await client.plan({ schema: soakSchema, table: 'orders' })) {
        const stream = client.readSplit({ ...split, blockBytesTarget: SLOW_BLOCK_BYTES })
        let left = SLOW_BLOCKS
        for await (const _ of stream) {
          if (left-- === 0 || this.#isOver) break
          await after(SLOW_BLOCK_MS)
        }
        stream.on('error', () => {}).cancel()
      }
      return 'read slowly'
    })
  }

  async #readHostile(): Promise<void> {
    const client = this.#open()
    const { hostileTables } = this.#options
    let number = 0
    await this.#forever(new Set([...passingCodes, ...fileCodes]), async () => {
      await tableHash(client, hostileTables[number++ % hostileTables.length] ?? '')
      return 'read a mutant'
    })
  }

  async #forever(allowed: ReadonlySet<string>, once: () => Promise<string>): Promise<void> {
    while (!this.#isOver) {
      const outcome = await once().catch((reason: unknown) => this.#judge(reason, allowed))
      this.counts[outcome] = (this.counts[outcome] ?? 0) + 1
      await after(1)
    }
  }

  async #judge(reason: unknown, allowed: ReadonlySet<string>): Promise<string> {
    const { metadata, details } = reason as Partial<ServiceError>
    const code = metadata?.get('spillway-code')[0]?.toString() ?? 'no code'
    if (!allowed.has(code)) this.wrong.push(`${code}: ${details ?? String(reason)}`)
    if (passingCodes.has(code)) await after(100)
    return code
  }
}

/** All bytes of all splits of a table of the soak, in order, as a hash. */
export async function tableHash(client: FederationClient, table: string): Promise<string> {
  const hash = createHash('sha1')
  for (const split of await client.plan({ schema: soakSchema, table })) {
    const stream = client.readSplit(split, { deadline: Date.now() + CALL_MS_MAX })
    for await (const block of stream) {
      const { dataHeader, dataBody } = block as Block
      hash.update(dataHeader).update(dataBody)
    }
  }
  return hash.digest('hex')
}
