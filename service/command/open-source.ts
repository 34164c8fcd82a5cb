import type { Origin } from './client-options.ts'
import type { TableSource } from './table-source.ts'

/** Loads no more code than the origin needs. */
export async function openSource(origin: Origin): Promise<TableSource> {
  if (origin.kind === 'folder') {
    const { folderSource } = await import('./folder-source.ts')
    return folderSource(origin.folder)
  }
  const { gatewaySource } = await import('./gateway-source.ts')
  return gatewaySource(origin)
}
