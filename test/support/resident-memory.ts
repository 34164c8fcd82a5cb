import { readFileSync } from 'node:fs'

/**
 * The most memory a running process ever held, in bytes, as Linux counts it (`VmHWM`); undefined on systems without
 * `/proc`.
 */
export function peakResidentBytes(pid: number): number | undefined {
  return statusField(pid, 'VmHWM')
}

/** The memory a running process holds now, in bytes (`VmRSS`). */
export function residentBytes(pid: number): number | undefined {
  return statusField(pid, 'VmRSS')
}

function statusField(pid: number, name: string): number | undefined {
  if (process.platform !== 'linux') return undefined
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  const match = new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(status)
  return match?.[1] === undefined ? undefined : Number(match[1]) * 1024
}
