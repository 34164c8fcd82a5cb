import type { EcsRoleOptions } from '../credentials/ecs-role.ts'
import { ECS_ORIGIN } from '../credentials/ecs-role.ts'
import { EC2_ORIGIN } from '../credentials/ec2-role.ts'
import type { CredentialsSettings, StaticKeys, StoreSource } from '../credentials/store-source.ts'
import type { SettingReader } from './setting-reader.ts'

/** Where the store is, and every source of credentials that the settings name. */
export function storeSource(read: SettingReader, hasCallers: boolean): StoreSource {
  const url = read.text('SPILLWAY_STORE_URL', '')
  const hasCallerSessions = read.boolean('SPILLWAY_STORE_SESSION_PER_CALLER', false)
  const credentials = credentialsSettings(read, hasCallerSessions)
  if (hasCallerSessions) refuseUselessSessions(read, { credentials, url, hasCallers })
  const region = read.text('SPILLWAY_STORE_REGION', 'us-east-1')
  const caFile = read.text('SPILLWAY_STORE_CA_FILE', '') || undefined
  const scheme = read.oneOf('SCHEME', ['http', 'https'], 'https')
  if (url.startsWith('file:'))
    return { kind: 'file', url: read.url('SPILLWAY_STORE_URL', ['file:']) }
  if (url === '' && credentials.secretName === undefined) {
    read.problem(
      'SPILLWAY_STORE_URL',
      url,
      'http(s)://host[:port] or file:///folder, or AWS_SECRET with a server',
    )
  }
  const accessKey = read.text('SPILLWAY_STORE_ACCESS_KEY', '')
  const { moduleUrl, secretName, tokenFile, ec2 } = credentials
  if (accessKey === '' && (moduleUrl ?? secretName ?? tokenFile ?? ec2) === undefined) {
    read.problem(
      'SPILLWAY_STORE_ACCESS_KEY',
      accessKey,
      'an access key with SPILLWAY_STORE_SECRET_KEY, AWS_SECRET, SPILLWAY_STORE_TOKEN_FILE or another source of credentials',
    )
  }
  const where = url === '' ? {} : { url: read.url('SPILLWAY_STORE_URL', ['http:', 'https:']) }
  return {
    kind: 's3',
    region,
    caFile,
    scheme,
    ...where,
    ...credentials,
    ...(hasCallerSessions && { hasCallerSessions }),
  }
}

interface SessionNeeds {
  readonly credentials: CredentialsSettings
  readonly url: string
  readonly hasCallers: boolean
}

/** Sessions are asked for with keys that are no session themselves, or with a token. */
function refuseUselessSessions(read: SettingReader, needs: SessionNeeds): void {
  const { credentials, url, hasCallers } = needs
  const { static: keys, secretName, tokenFile, roleArn } = credentials
  const isSession = keys?.sessionToken !== undefined
  const hasSource =
    (keys !== undefined && !isSession) || [secretName, tokenFile, roleArn].some(Boolean)
  if (hasCallers && hasSource && !url.startsWith('file:')) return
  read.problem(
    'SPILLWAY_STORE_SESSION_PER_CALLER',
    'true',
    'set only with SPILLWAY_CALLERS_FILE, a store that is no folder, and keys without a session token, AWS_SECRET, SPILLWAY_STORE_TOKEN_FILE or SPILLWAY_STORE_ROLE_ARN to ask its STS with',
  )
}

function credentialsSettings(read: SettingReader, hasCallerSessions: boolean): CredentialsSettings {
  const keys = staticKeys(read)
  const secretName = read.text('AWS_SECRET', '')
  const moduleUrl = read.text('SPILLWAY_STORE_CREDENTIALS_MODULE', '')
  const tokenFile = read.text('SPILLWAY_STORE_TOKEN_FILE', '')
  const roleArn = read.text('SPILLWAY_STORE_ROLE_ARN', '')
  const stsUrl = read.text('SPILLWAY_STORE_STS_URL', '')
  if (stsUrl !== '' && tokenFile === '' && roleArn === '' && !hasCallerSessions) {
    read.problem(
      'SPILLWAY_STORE_STS_URL',
      stsUrl,
      'set only with SPILLWAY_STORE_TOKEN_FILE, SPILLWAY_STORE_ROLE_ARN or SPILLWAY_STORE_SESSION_PER_CALLER',
    )
  }
  return {
    ...(keys && { static: keys }),
    ...(moduleUrl !== '' && {
      moduleUrl: read.url('SPILLWAY_STORE_CREDENTIALS_MODULE', ['file:']),
    }),
    ...(secretName !== '' && { secretName }),
    ...(tokenFile !== '' && { tokenFile }),
    ...(roleArn !== '' && { roleArn }),
    ...(stsUrl !== '' && { stsUrl: read.url('SPILLWAY_STORE_STS_URL', ['http:', 'https:']) }),
    ...ambientRoles(read),
  }
}

function staticKeys(read: SettingReader): StaticKeys | undefined {
  const accessKey = read.text('SPILLWAY_STORE_ACCESS_KEY', '')
  const secretKey = read.secret('SPILLWAY_STORE_SECRET_KEY')
  const sessionToken = read.secret('SPILLWAY_STORE_SESSION_TOKEN')
  if ((accessKey === '') !== (secretKey === undefined)) {
    read.problem(
      'SPILLWAY_STORE_ACCESS_KEY',
      accessKey,
      'set together with SPILLWAY_STORE_SECRET_KEY',
    )
  }
  if (accessKey === '' || secretKey === undefined) return undefined
  return { accessKey, secretKey, ...(sessionToken && { sessionToken }) }
}

/** The roles of task and machine are asked only when the settings say so: elsewhere they are somebody else's. */
function ambientRoles(read: SettingReader): Pick<CredentialsSettings, 'ecs' | 'ec2'> {
  const which = read.oneOf('SPILLWAY_STORE_CREDENTIALS', ['named', 'chain'], 'named')
  if (which === 'named') return {}
  const ecs = ecsSettings(read)
  const isEc2Known = read.text('AWS_EC2_METADATA_SERVICE_ENDPOINT', '') !== ''
  const url = isEc2Known
    ? read.url('AWS_EC2_METADATA_SERVICE_ENDPOINT', ['http:', 'https:'])
    : EC2_ORIGIN
  return { ...(ecs && { ecs }), ec2: { url } }
}

function ecsSettings(read: SettingReader): EcsRoleOptions | undefined {
  const relative = read.text('AWS_CONTAINER_CREDENTIALS_RELATIVE_URI', '')
  const full = read.text('AWS_CONTAINER_CREDENTIALS_FULL_URI', '')
  if (relative === '' && full === '') return undefined
  const url = relative === '' ? full : `${ECS_ORIGIN}${relative}`
  if (!URL.canParse(url) || !isTrusted(new URL(url))) {
    read.problem(
      'AWS_CONTAINER_CREDENTIALS_FULL_URI',
      URL.canParse(url) ? new URL(url).origin : 'no URL',
      'an https URL, or an http one of loopback or of the container service',
    )
  }
  const authorization = read.secret('AWS_CONTAINER_AUTHORIZATION_TOKEN')
  const authorizationFile = read.text('AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE', '')
  return {
    url,
    ...(authorization && { authorization }),
    ...(authorizationFile !== '' && { authorizationFile }),
  }
}

/** The hosts of ECS and EKS Pod Identity, and loopback, as AWS's own clients have it. */
const trustedHosts = new Set([
  '169.254.170.2',
  '169.254.170.23',
  '[fd00:ec2::23]',
  'localhost',
  '127.0.0.1',
  '[::1]',
])

/** The word that is sent along must not cross a network in the clear. */
function isTrusted({ protocol, hostname }: URL): boolean {
  return protocol === 'https:' || (protocol === 'http:' && trustedHosts.has(hostname))
}
