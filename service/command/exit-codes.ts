/** Exit codes: good, the operation failed, wrong usage or settings. */
export const exitCodes = { good: 0, failed: 1, usage: 2 } as const
