import { bytes, digits } from './plan-tree.ts'

/** How a read goes, for those who watch. */
export interface Progress {
  add(rowCount: number, byteCount: number): void
  /** Takes the line away. */
  end(): void
}

/** Fast enough to look alive, slow enough to cost nothing. */
const REFRESH_MS = 200

/** One line on a terminal's standard error; nothing where that is no terminal. */
export function progressLine(
  rowsAll: number | null,
  { isTTY, write }: { readonly isTTY: boolean; readonly write: (text: string) => void },
  nowMs: () => number,
): Progress {
  if (!isTTY) return { add() {}, end() {} }
  const startedMs = nowMs()
  let [rows, size, shownMs] = [0, 0, startedMs]
  let isShown = false
  return {
    add(rowCount, byteCount) {
      rows += rowCount
      size += byteCount
      const now = nowMs()
      if (now - shownMs < REFRESH_MS) return
      shownMs = now
      isShown = true
      const perSecond = bytes(Math.round(size / ((now - startedMs) / 1000)))
      const ofAll = rowsAll === null ? '' : ` of ${digits(rowsAll)}`
      write(`\r\u001B[K${digits(rows)}${ofAll} rows, ${bytes(size)}, ${perSecond}/s`)
    },
    end() {
      if (isShown) write('\r\u001B[K')
    },
  }
}
