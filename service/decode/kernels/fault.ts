// What a kernel answers instead of a count or a length: those are never negative. kernel-faults.ts has the words.

export const INPUT_ENDS: i32 = -1
export const OUTPUT_ENDS: i32 = -2
export const MALFORMED: i32 = -3
export const OUTSIDE_DICTIONARY: i32 = -4
export const WRONG_COUNT: i32 = -5
export const OUTSIDE_TYPE: i32 = -6
export const NOT_UTF8: i32 = -7
