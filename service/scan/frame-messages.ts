import type { ArrowType } from '../arrow/arrow-type.ts'
import {
  type MessagePlan,
  planFlightDictionary,
  planFlightMessage,
} from '../arrow/framed-message.ts'
import { type BatchPiece, planBatch } from '../arrow/write-batch.ts'
import { GatewayError } from '../errors.ts'
import type { ScanJob } from './scan-job.ts'
import { SentDictionaries } from './sent-dictionaries.ts'
import { planTextMessage } from './text-message.ts'

/** A frame whose size is known. */
export interface PlannedFrame {
  readonly message: MessagePlan
  /** 0 of a dictionary. */
  readonly rowCount: number
  readonly bodyBytes: number
}

/** Rows of one frame as they are sent, and the dictionaries that go before them. */
export interface RowsToSend {
  readonly rows: readonly BatchPiece[]
  readonly dictionaries: readonly PlannedFrame[]
}

/** What the frames of one scan are written from: batches, dictionaries or text. */
export class FrameMessages {
  /** Of rows that are ready to be sent. */
  readonly types: readonly ArrowType[]
  readonly #job: ScanJob
  readonly #dictionaries: SentDictionaries | undefined

  constructor(job: ScanJob) {
    const types = job.fields.map(({ type }) => type)
    const { dictionaries = [], bodyBytesTarget } = job.frames
    this.#job = job
    this.#dictionaries =
      dictionaries.length === 0
        ? undefined
        : new SentDictionaries(types, dictionaries, bodyBytesTarget)
    this.types = this.#dictionaries?.types ?? types
  }

  /**
   * Rows of the job's types as they are sent, to be asked once for each frame.
   *
   * @param source names the row group in errors
   * @throws {GatewayError} `too_large` a row passes the limit.
   */
  ready(rows: readonly BatchPiece[], source: string): RowsToSend {
    if (this.#dictionaries === undefined) return { rows, dictionaries: [] }
    const types = this.#job.fields.map(({ type }) => type)
    this.#check(planBatch(types, rows).bodyBytes, source)
    const coded = this.#dictionaries.code(rows)
    const dictionaries = coded.dictionaries.map(({ id, values }) => {
      const message = planFlightDictionary(id, values)
      return { message, rowCount: 0, bodyBytes: values.bodyBytes }
    })
    return { rows: coded.rows, dictionaries }
  }

  /**
   * The frame of rows that are ready.
   *
   * @throws {GatewayError} as {@link ready}.
   */
  plan(rows: readonly BatchPiece[], source: string): PlannedFrame {
    const { fields, frames } = this.#job
    const batch = planBatch(this.types, rows)
    const { rowCount, bodyBytes } = batch
    this.#check(bodyBytes, source)
    const message =
      frames.text === undefined
        ? planFlightMessage(batch)
        : planTextMessage({ format: frames.text, fields, pieces: rows, source })
    return { message, rowCount, bodyBytes }
  }

  #check(bodyBytes: number, source: string): void {
    if (bodyBytes <= this.#job.frames.bodyBytesMax) return
    throw new GatewayError(
      'too_large',
      `${source} has a row of ${bodyBytes} bytes, a block may have ${this.#job.frames.bodyBytesMax}; select fewer columns`,
    )
  }
}
