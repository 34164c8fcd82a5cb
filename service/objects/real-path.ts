import { sep } from 'node:path'
import { errorCode } from './system-error.ts'

/** Whether the path is the folder or lies below it; both real, without links. */
export function isInside(folder: string, path: string): boolean {
  return path === folder || path.startsWith(folder.endsWith(sep) ? folder : `${folder}${sep}`)
}

/** Whether the error says that there is nothing at the path. */
export function isMissing(error: unknown): boolean {
  return ['ENOENT', 'ENOTDIR', 'ELOOP', 'ENAMETOOLONG'].includes(errorCode(error))
}
