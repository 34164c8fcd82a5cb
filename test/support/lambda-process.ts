import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { promisify } from 'node:util'
import type { Invoke } from '../../service/athena/invoke.ts'
import { invokeOverHttp } from '../../service/athena/invoke.ts'

/** One instance of a Lambda function: the bundle in a process of its own, without TypeScript or test code. */
export interface LambdaProcess {
  readonly pid: number
  readonly invoke: Invoke
  stop(): Promise<void>
}

const root = join(import.meta.dirname, '../..')
const bundle = join(root, 'dist/shim-lambda/index.mjs')

/** The bundled shim; made first when nobody built it. */
export async function shimBundle(): Promise<string> {
  if (!existsSync(bundle)) {
    await promisify(execFile)(process.execPath, [join(root, 'shim-lambda/bundle.mjs')])
  }
  return bundle
}

export async function startLambdaProcess(
  file: string,
  environment: Readonly<Record<string, string>>,
): Promise<LambdaProcess> {
  const entry = join(import.meta.dirname, 'lambda-process-entry.mjs')
  const child = spawn(process.execPath, [entry, file], {
    env: { PATH: process.env['PATH'] ?? '', ...environment },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const exited = once(child, 'exit')
  const lines = createInterface({ input: child.stdout })
  const started = once(lines, 'line').then(([line]) => JSON.parse(line) as { port: number })
  const { port } = await Promise.race([
    started,
    exited.then(([code]) => Promise.reject(new Error(`the function ended with code ${code}`))),
  ])
  return {
    pid: child.pid ?? 0,
    invoke: invokeOverHttp(`http://127.0.0.1:${port}`),
    stop: async () => {
      child.kill('SIGTERM')
      await exited
    },
  }
}

/** Invokes whichever instance is idle, as Lambda does: an instance runs one event at a time, the others wait. */
export function invokeIdle(instances: readonly LambdaProcess[]): Invoke {
  const idle = [...instances]
  const waiting: ((instance: LambdaProcess) => void)[] = []
  const take = async (): Promise<LambdaProcess> =>
    idle.pop() ?? new Promise((resolve) => void waiting.push(resolve))
  return async (event, signal) => {
    const instance = await take()
    try {
      return await instance.invoke(event, signal)
    } finally {
      const next = waiting.shift()
      if (next) next(instance)
      else idle.push(instance)
    }
  }
}
