import { bytes, digits } from './plan-tree.ts'

/** How far a read has come, or how much it is in all. */
export interface ReadCounts {
  /** Null: nobody knows. */
  readonly rows: number | null
  /** Null: a single part, of which nobody tells. */
  readonly rowGroups: number | null
}

/** How a read goes, for those who watch. */
export interface Progress {
  /** Told of a batch: its rows and bytes, and the row groups that were done before it. */
  add(batch: {
    readonly rowCount: number
    readonly byteCount: number
    readonly rowGroupsDone: number
  }): void
  /** Takes the line away. */
  end(): void
}

/** Fast enough to look alive, slow enough to cost nothing. */
const REFRESH_MS = 200

/** One line on a terminal's standard error; nothing where that is no terminal. */
export function progressLine(
  all: ReadCounts,
  { isTTY, write }: { readonly isTTY: boolean; readonly write: (text: string) => void },
  nowMs: () => number,
): Progress {
  if (!isTTY) return { add() {}, end() {} }
  const startedMs = nowMs()
  let [rows, size, shownMs] = [0, 0, startedMs]
  let isShown = false
  return {
    add({ rowCount, byteCount, rowGroupsDone }) {
      rows += rowCount
      size += byteCount
      const now = nowMs()
      if (now - shownMs < REFRESH_MS) return
      shownMs = now
      isShown = true
      const perSecond = bytes(Math.round(size / ((now - startedMs) / 1000)))
      const parts = [
        `${digits(rows)}${ofAll(all.rows)} rows`,
        bytes(size),
        `${perSecond}/s`,
        ...(all.rowGroups === null
          ? []
          : [`${digits(rowGroupsDone)}${ofAll(all.rowGroups)} row groups done`]),
      ]
      write(`\r\u001B[K${parts.join(', ')}`)
    },
    end() {
      if (isShown) write('\r\u001B[K')
    },
  }
}

function ofAll(count: number | null): string {
  return count === null ? '' : ` of ${digits(count)}`
}
