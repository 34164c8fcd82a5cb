import { createCipheriv, pbkdf2Sync, randomBytes } from 'node:crypto'
import type { StoreKeys } from './store-client.ts'
import { storeClient } from './store-client.ts'

/** One sentence of a policy: actions without `s3:`, resources without `arn:aws:s3:::`. */
export interface Allowance {
  readonly actions: readonly string[]
  readonly resources: readonly string[]
}

/** Creates a user of a real MinIO who may do just this; the keys given must be root's. */
export async function addUser(
  root: StoreKeys,
  name: string,
  allowances: readonly Allowance[],
): Promise<StoreKeys> {
  const secretKey = `${name}-secret`
  const user = JSON.stringify({ secretKey, status: 'enabled' })
  await addPolicy(root, `${name}-policy`, allowances)
  await callAdmin(root, 'add-user', `accessKey=${name}`, sealed(root.secretKey, user))
  const attached = `userOrGroup=${name}&isGroup=false&policyName=${name}-policy`
  await callAdmin(root, 'set-user-or-group-policy', attached, '')
  return { url: root.url, accessKey: name, secretKey }
}

/** Creates or replaces a policy that allows just this. */
export async function addPolicy(
  root: StoreKeys,
  name: string,
  allowances: readonly Allowance[],
): Promise<void> {
  const Statement = allowances.map(({ actions, resources }) => ({
    Effect: 'Allow',
    Action: actions.map((action) => `s3:${action}`),
    Resource: resources.map((resource) => `arn:aws:s3:::${resource}`),
  }))
  const policy = JSON.stringify({ Version: '2012-10-17', Statement })
  await callAdmin(root, 'add-canned-policy', `name=${name}`, policy)
}

/** From now on the keys of the user are not let in. */
export async function disableUser(root: StoreKeys, name: string): Promise<void> {
  await callAdmin(root, 'set-user-status', `accessKey=${name}&status=disabled`, '')
}

async function callAdmin(
  root: StoreKeys,
  call: string,
  query: string,
  body: Buffer | string,
): Promise<void> {
  const request = { method: 'PUT', bucketName: 'minio', objectName: `admin/v3/${call}`, query }
  await storeClient(root).makeRequestAsyncOmit(request, body, [200])
}

/** The form of secrets in MinIO's admin API: PBKDF2, then one fragment of AES-256-GCM as sio-go writes it. */
function sealed(secret: string, text: string): Buffer {
  const salt = randomBytes(32)
  const nonce = randomBytes(8)
  const key = pbkdf2Sync(secret, salt, 8192, 32, 'sha256')
  const fragment = (count: number, additional: Buffer | undefined, plain: Buffer): Buffer => {
    const iv = Buffer.alloc(12)
    nonce.copy(iv)
    iv.writeUInt32LE(count, 8)
    const cipher = createCipheriv('aes-256-gcm', key, iv)
    if (additional !== undefined) cipher.setAAD(additional)
    return Buffer.concat([cipher.update(plain), cipher.final(), cipher.getAuthTag()])
  }
  const lastFragment = Buffer.concat([Buffer.from([0x80]), fragment(0, undefined, Buffer.alloc(0))])
  const pbkdf2 = Buffer.from([2])
  return Buffer.concat([salt, pbkdf2, nonce, fragment(1, lastFragment, Buffer.from(text))])
}
