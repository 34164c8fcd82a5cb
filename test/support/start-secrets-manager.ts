import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { json } from 'node:stream/consumers'

/** A server that speaks as much of Secrets Manager's protocol as reading a secret takes. */
export interface SecretsManager {
  readonly url: string
  /** The value of a secret's version, or the name of an error such as `AccessDeniedException`; may be changed. */
  current: string
  /** Empty: there is no version before. */
  previous: string
  /** What was asked for: name and version stage. */
  readonly asked: readonly string[]
  close(): Promise<void>
}

export async function startSecretsManager(current: string): Promise<SecretsManager> {
  const asked: string[] = []
  const state = { current, previous: '' }
  const server = createServer((request, answer) => {
    void json(request).then((body) => {
      const { SecretId, VersionStage = 'AWSCURRENT' } = body as Record<string, string>
      asked.push(`${SecretId} ${VersionStage}`)
      const isPrevious = VersionStage === 'AWSPREVIOUS'
      const found = isPrevious ? state.previous || 'ResourceNotFoundException' : state.current
      const isError = found.endsWith('Exception')
      answer.writeHead(isError ? 400 : 200, { 'content-type': 'application/x-amz-json-1.1' })
      answer.end(JSON.stringify(isError ? { __type: found } : { SecretString: found }))
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const close = async (): Promise<void> => {
    server.closeAllConnections()
    server.close()
    await once(server, 'close')
  }
  return Object.assign(state, { url, asked, close })
}
