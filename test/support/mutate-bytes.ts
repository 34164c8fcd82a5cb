/** Changes a few bytes, mostly at the beginning, where headers and dictionaries are. */
export function mutate(original: Uint8Array, random: () => number): Uint8Array {
  const mutant = new Uint8Array(original)
  const changes = 1 + Math.floor(random() * 4)
  for (let i = 0; i < changes; i++) {
    const at = Math.floor(mutant.length * random() ** (random() < 0.5 ? 4 : 1))
    const style = random()
    if (style < 0.4) mutant[at] = (mutant[at] ?? 0) ^ (1 << Math.floor(random() * 8))
    else if (style < 0.7) mutant[at] = Math.floor(random() * 256)
    else if (style < 0.85) mutant.fill(0xff, at, at + 1 + Math.floor(random() * 5))
    else mutant.copyWithin(at, Math.floor(random() * mutant.length), at + 9)
  }
  return mutant
}
