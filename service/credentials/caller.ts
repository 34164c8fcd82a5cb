import { createHash } from 'node:crypto'

/** What a caller may see of one table. */
export interface TableRights {
  /** True: it sees all columns and all rows, so no error, number or name has to be kept from it. */
  readonly isWhole: boolean
  /** Whether the column of this name, in any case, exists for the caller. */
  readonly seesColumn: (column: string) => boolean
  /** A SQL expression over all the table's columns, also those the caller does not see; absent: all rows. */
  readonly rowFilter?: string
  /** Differs where anything of these rights does; a ticket holds only as long as it is the same. */
  readonly digest: Uint8Array
}

/** Which tables a caller may see. What it does not see does not exist for it. */
export interface Rights {
  /** False: no table of the schema can be visible. Names in any case. */
  readonly seesSchema: (schema: string) => boolean
  /** Undefined: the table does not exist for the caller. */
  readonly ofTable: (table: {
    readonly schema: string
    readonly table: string
  }) => TableRights | undefined
}

/** Absent: not limited for this caller alone. */
export interface CallerLimits {
  /** Reads at the same time. */
  readonly streamsMax?: number
  /** Bytes of frames that its readers have not taken yet. */
  readonly bytesInFlightMax?: number
  readonly rowsPerSecondMax?: number
}

/** Somebody who was recognised. */
export interface Caller {
  readonly name: string
  /** May see metrics, details of health, what is quarantined, and what others' queries cost. */
  readonly isOperator: boolean
  readonly rights: Rights
  readonly limits: CallerLimits
  /** What its sessions with the store may read, JSON; absent: its data is read with the gateway's own credentials. */
  readonly sessionPolicy?: string
}

/** Bytes of {@link TableRights.digest}: a change that goes unseen by chance is one in 2^64. */
export const RIGHTS_DIGEST_BYTES = 8

const wholeTable: TableRights = {
  isWhole: true,
  seesColumn: () => true,
  digest: createHash('sha256').update('everything').digest().subarray(0, RIGHTS_DIGEST_BYTES),
}

export const seesEverything: Rights = { seesSchema: () => true, ofTable: () => wholeTable }

/** Everybody, where nobody is asked who they are. */
export const anonymous: Caller = {
  name: 'anonymous',
  isOperator: true,
  rights: seesEverything,
  limits: {},
}

/** What a request shows of who sends it; all absent: nothing. */
export interface ShownCredentials {
  /** The header of this name: `Bearer <token>` or `Basic <base64 of caller:token>`. */
  readonly authorization?: string
  /** Flight's early clients: the token of their handshake, as bytes. */
  readonly token?: string
  /** Subject alternative names of the client certificate, verified by TLS: `DNS:…`, `URI:…`, `email:…`. */
  readonly certificateNames?: readonly string[]
}

/**
 * Who asks.
 *
 * @throws {GatewayError} `unauthenticated` nothing was shown, or nothing that is known.
 */
export type Identify = (shown: ShownCredentials) => Promise<Caller>

/** Without callers everybody is let in. */
export const identifyAnybody: Identify = async () => anonymous
