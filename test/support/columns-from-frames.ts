import type { Field } from '../../service/arrow/arrow-type.ts'
import type { Frame } from '../../service/scan/frame.ts'
import { canonicalRows, type Canonical } from './columns-canonical.ts'
import { columnsFromIpc } from './columns-from-ipc.ts'

/** Reads all frames, one after the other, and gives each back: the rows in canonical form. */
export async function rowsOfFrames(
  fields: readonly Field[],
  frames: AsyncIterable<Frame>,
): Promise<Canonical[][]> {
  const rows: Canonical[][] = []
  for await (const frame of frames) {
    rows.push(...rowsOfFrame(fields, frame))
    frame.release()
  }
  return rows
}

export function rowsOfFrame(fields: readonly Field[], frame: Frame): Canonical[][] {
  const { columns, rowCount } = columnsOfFrame(fields, frame)
  return canonicalRows(columns, rowCount)
}

/** Columns over a copy of the frame. */
export function columnsOfFrame(fields: readonly Field[], frame: Frame) {
  const [batch] = columnsFromIpc(fields, [ipcOf(frame)])
  if (batch?.rowCount !== frame.rowCount) throw new Error('a frame with other rows than it says')
  return batch
}

/** The frame's header and body as an encapsulated IPC message. */
function ipcOf({ message, bodyBytes }: Frame): Uint8Array {
  let at = 6
  let headerBytes = 0
  for (let scale = 1; ; scale *= 128) {
    const byte = message[at++] ?? 0
    headerBytes += (byte & 127) * scale
    if (byte < 128) break
  }
  const prefix = Buffer.alloc(8)
  prefix.writeInt32LE(-1, 0)
  prefix.writeInt32LE(headerBytes, 4)
  const header = message.subarray(at, at + headerBytes)
  return Buffer.concat([prefix, header, message.subarray(message.length - bodyBytes)])
}
