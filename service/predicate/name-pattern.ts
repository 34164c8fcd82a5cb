/** Whether a name is of the pattern, in which `*` stands for any characters and `?` for one; case does not count. */
export function matchesPattern(name: string, pattern: string): boolean {
  const [text, form] = [name.toLowerCase(), pattern.toLowerCase()]
  let [at, formAt] = [0, 0]
  // Where to go on when the last star has to stand for one character more.
  let [retryAt, retryForm] = [0, -1]
  while (at < text.length) {
    if (form[formAt] === '*') {
      retryForm = ++formAt
      retryAt = at
    } else if (form[formAt] === '?' || form[formAt] === text[at]) {
      at++
      formAt++
    } else if (retryForm >= 0) {
      at = ++retryAt
      formAt = retryForm
    } else return false
  }
  while (form[formAt] === '*') formAt++
  return formAt === form.length
}
