/** Words for what kernels answer: the numbers of kernels/fault.ts, negated. */
const words: Readonly<Record<number, string>> = {
  1: 'ends early',
  2: 'holds more than it says',
  3: 'is malformed',
  4: 'names an entry outside its dictionary',
  5: 'holds another count than it says',
  6: 'holds a value outside its type',
  7: 'is not UTF-8',
}

/** To follow "its values" or the like. */
export function describeFault(result: number): string {
  return words[-result] ?? `is refused (${result})`
}
