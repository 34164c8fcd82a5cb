import { encapsulatedParts } from '../arrow/framed-message.ts'
import { textHead } from '../arrow/row-text.ts'
import type { TableRead } from '../query/table-queries.ts'
import type { Frame } from '../scan/frame.ts'
import type { AnswerFormat } from './answer-format.ts'

/** Pieces of a body that go out together; `release` when the socket has them. */
export interface BodyPart {
  readonly pieces: readonly Uint8Array[]
  release(): void
}

/** Ends an Arrow stream: a message of no bytes. */
const ARROW_END = Uint8Array.of(255, 255, 255, 255, 0, 0, 0, 0)

/**
 * The body of a read. Arrow's batches stay where the worker wrote them; only their small heads are written anew.
 *
 * @throws {GatewayError} what the frames throw.
 */
export async function* answerBody(
  { fields, schemaMessage, frames }: TableRead,
  format: AnswerFormat,
): AsyncGenerator<BodyPart> {
  if (format !== 'arrow') {
    yield partOf(Buffer.from(textHead(format, fields)))
    for await (const frame of frames) yield framePart(frame, [frame.message])
    return
  }
  yield partOf(schemaMessage)
  for await (const frame of frames) {
    const { head, body } = encapsulatedParts(frame.message)
    yield framePart(frame, [head, body])
  }
  yield partOf(ARROW_END)
}

function partOf(bytes: Uint8Array): BodyPart {
  return { pieces: [bytes], release() {} }
}

function framePart(frame: Frame, pieces: readonly Uint8Array[]): BodyPart {
  return { pieces, release: () => frame.release() }
}
