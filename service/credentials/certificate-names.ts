/** A name with its kind; one that holds what separates names is written as a JSON string. */
const name = /([A-Za-z0-9 ]+):("(?:[^"\\]|\\.)*"|[^,"]*)(?:, |$)/y

/**
 * The subject alternative names of a certificate, from the text in which Node gives them: `DNS:a.example, URI:b`.
 * Text that is not understood ends the list: a name inside another one must not count.
 */
export function certificateNames(text: string): readonly string[] {
  const names: string[] = []
  name.lastIndex = 0
  for (let found = name.exec(text); found; found = name.exec(text)) {
    const [, kind = '', value = ''] = found
    names.push(`${kind}:${value.startsWith('"') ? unquoted(value) : value}`)
    if (name.lastIndex === text.length) break
  }
  return names
}

function unquoted(value: string): string {
  try {
    return String(JSON.parse(value))
  } catch {
    // No name of anybody.
    return value
  }
}
