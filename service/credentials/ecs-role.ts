import { readFile } from 'node:fs/promises'
import { GatewayError } from '../errors.ts'
import { askHttp } from './ask-http.ts'
import { roleAnswer } from './role-answer.ts'
import type { Secret } from './secret.ts'
import type { CredentialsProvider } from './store-credentials.ts'

/** As ECS and EKS Pod Identity set them in the environment of a task. */
export interface EcsRoleOptions {
  /** `AWS_CONTAINER_CREDENTIALS_RELATIVE_URI` resolved, or `AWS_CONTAINER_CREDENTIALS_FULL_URI`. */
  readonly url: string
  readonly authorization?: Secret
  /** Read again each time; wins over `authorization`. */
  readonly authorizationFile?: string
}

/** Where the relative form leads, by ECS's documentation. */
export const ECS_ORIGIN = 'http://169.254.170.2'
const TIMEOUT_MS = 2_000

/** The role of an ECS task, or of an EKS pod by Pod Identity. */
export function ecsRole({ url, authorization, authorizationFile }: EcsRoleOptions) {
  return {
    source: 'ecs',
    async retrieve(_, signal) {
      const word =
        authorizationFile === undefined
          ? authorization?.reveal()
          : await readAuthorization(authorizationFile)
      const headers = word === undefined ? {} : { authorization: word }
      const name = 'the credentials service of the task'
      const question = { method: 'GET', url: new URL(url), headers, name, timeoutMs: TIMEOUT_MS }
      return roleAnswer(name, await askHttp({ ...question, method: 'GET' }, signal))
    },
  } satisfies CredentialsProvider
}

async function readAuthorization(path: string): Promise<string> {
  try {
    return (await readFile(path, 'utf8')).trim()
  } catch (cause) {
    throw new GatewayError(
      'unavailable',
      `AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE ${path} cannot be read; check the task's volumes`,
      { cause },
    )
  }
}
