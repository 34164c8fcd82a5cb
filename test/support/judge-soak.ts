import type { SoakReport, SoakSample } from './run-soak.ts'
import { textPlot } from './text-plot.ts'

const MIB = 1024 * 1024

export interface SoakBounds {
  /** The first part of the samples is not judged: memory that is touched once, pools that fill. */
  readonly warmUpShare: number
  /** Median memory of the last third over that of the first, both after the warm-up. */
  readonly residentGrowthMax: number
  /** The same for files and sockets: how many more. */
  readonly handleGrowthMax: number
}

/** Sockets come and go with faults: the medians may differ by as many as one worker holds to the store. */
const HANDLE_GROWTH_MAX = 16

/** Of minutes; garbage that is collected now and then moves a median by some percent. */
export const longBounds: SoakBounds = {
  warmUpShare: 0.2,
  residentGrowthMax: 1.1,
  handleGrowthMax: HANDLE_GROWTH_MAX,
}
/** Of seconds: the heap still grows towards its working size (measured: 1.4). */
export const shortBounds: SoakBounds = {
  warmUpShare: 0.4,
  residentGrowthMax: 2,
  handleGrowthMax: 2 * HANDLE_GROWTH_MAX,
}

/** What is not as it should be; empty when all is. */
export function soakFindings(report: SoakReport, bounds: SoakBounds): string[] {
  const { samples, idle, calm, wrong, defects, counts, exit, metrics } = report
  const warm = samples.slice(Math.floor(samples.length * bounds.warmUpShare))
  const third = Math.floor(warm.length / 3)
  const growth = (of: (sample: SoakSample) => number) => ({
    before: median(warm.slice(0, third).map(of)),
    after: median(warm.slice(-third).map(of)),
  })
  const memory = growth(({ residentBytes }) => residentBytes)
  const handles = growth((sample) => sample.handles)
  const left = ['spillway_scans_active', 'spillway_row_group_bytes', 'spillway_row_groups_waiting']
  const findings: [boolean, string][] = [
    [memory.after <= memory.before * bounds.residentGrowthMax, `memory grew: ${show(memory, MIB)}`],
    [handles.after <= handles.before + bounds.handleGrowthMax, `handles grew: ${show(handles, 1)}`],
    [calm.threads <= idle.threads, `${calm.threads} threads after, ${idle.threads} before`],
    [
      calm.handles <= idle.handles + bounds.handleGrowthMax,
      `${calm.handles} handles after, ${idle.handles} before`,
    ],
    [(counts['right'] ?? 0) > 0, 'nobody read anything'],
    [(counts['unreadable_file'] ?? 0) > 0, 'no damaged file was noticed'],
    [exit === 0, `the gateway ended with ${exit}`],
    ...left.map((name): [boolean, string] => [
      metrics.get(name) === 0,
      `${name} is ${metrics.get(name)} at the end`,
    ]),
  ]
  return [
    ...wrong.slice(0, 20),
    ...defects.slice(0, 20),
    ...findings.filter(([isSo]) => !isSo).map(([, text]) => text),
  ]
}

/** The report for people. */
export function showSoak(report: SoakReport): string {
  const { samples, idle, calm, counts, faultCount, metrics, wrong } = report
  const seconds = Math.round((samples.at(-1)?.atMs ?? 0) / 1_000)
  const line = ({ residentBytes, handles, threads }: SoakSample) =>
    `${Math.round(residentBytes / MIB)} MiB, ${handles} handles, ${threads} threads`
  return [
    `${seconds} s, ${faultCount} faults of the store, ${metrics.get('spillway_workers_lost_total') ?? 0} workers lost`,
    `readings: ${JSON.stringify(counts)}; wrong: ${wrong.length}`,
    `before: ${line(idle)}; after: ${line(calm)}`,
    textPlot(
      'resident memory of the gateway',
      samples.map(({ residentBytes }) => residentBytes / MIB),
      'MiB',
    ),
    textPlot(
      'files and sockets',
      samples.map(({ handles }) => handles),
      'count',
    ),
    textPlot(
      'threads',
      samples.map(({ threads }) => threads),
      'count',
    ),
  ].join('\n')
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)] ?? 0
}

function show({ before, after }: { before: number; after: number }, unit: number): string {
  return `median ${Math.round(before / unit)}, then ${Math.round(after / unit)}`
}
