import type { Field } from '../arrow/arrow-type.ts'
import type { TableName } from '../catalog/table-name.ts'
import type { Ledger } from '../planning/ledger.ts'
import type { TableRequest } from '../query/table-request.ts'

/** A record batch as an encapsulated IPC message in two parts. */
export interface SourceBatch {
  readonly head: Uint8Array
  readonly body: Uint8Array
  /** Of the parts before its own. */
  readonly rowGroupsDone: number
  /** Gives the memory back. */
  release(): void
}

export interface SourcePlan {
  readonly fields: readonly Field[]
  /** Null: nobody knows before it was read. */
  readonly rowCount: number | null
  readonly parts: readonly {
    readonly rows: number | null
    readonly rowGroups: number
    /** Null: not told. */
    readonly decodedBytes: number | null
  }[]
  readonly ledger: Ledger
}

export interface SourceRead {
  readonly fields: readonly Field[]
  /** The same as an encapsulated IPC message. */
  readonly schemaMessage: Uint8Array
  readonly rowCount: number | null
  /** What is read of it, part after part. */
  readonly parts: SourcePlan['parts']
  /** @throws {GatewayError} what went wrong. */
  readonly batches: AsyncIterable<SourceBatch>
}

/** Where tables come from: a gateway somewhere, or the same rooms in this process. */
export interface TableSource {
  listTables(schema: string | undefined, signal: AbortSignal): AsyncIterable<TableName>
  plan(request: TableRequest, signal: AbortSignal): Promise<SourcePlan>
  /** All parts, one after the other; one when the request asks for no more. */
  read(request: TableRequest, signal: AbortSignal): Promise<SourceRead>
  close(): Promise<void>
}
