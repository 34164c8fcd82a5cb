/** Exit codes: good, the operation failed, wrong usage or settings. */
export const exitCodes = { good: 0, failed: 1, usage: 2 } as const

/** What shells expect of a command that Ctrl-C ended: 128 and the number of SIGINT. */
export const INTERRUPTED = 130
