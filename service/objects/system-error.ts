/** The code of a system error, e.g. `ENOENT`, also where it is wrapped; empty when there is none. */
export function errorCode(error: unknown): string {
  if (!(error instanceof Error)) return ''
  const code: unknown = Reflect.get(error, 'code')
  return typeof code === 'string' && code !== '' ? code : errorCode(error.cause)
}
