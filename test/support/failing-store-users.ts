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
  const client = storeClient(root)
  const secretKey = `${name}-secret`
  const admin = async (call: string, query: string, body: Buffer | string): Promise<void> => {
    const request = { method: 'PUT', bucketName: 'minio', objectName: `admin/v3/${call}`, query }
    await client.makeRequestAsyncOmit(request, body, [200])
  }
  const Statement = allowances.map(({ actions, resources }) => ({
    Effect: 'Allow',
    Action: actions.map((action) => `s3:${action}`),
    Resource: resources.map((resource) => `arn:aws:s3:::${resource}`),
  }))
  const policy = JSON.stringify({ Version: '2012-10-17', Statement })
  const user = JSON.stringify({ secretKey, status: 'enabled' })
  await admin('add-canned-policy', `name=${name}-policy`, policy)
  await admin('add-user', `accessKey=${name}`, sealed(root.secretKey, user))
  const attached = `userOrGroup=${name}&isGroup=false&policyName=${name}-policy`
  await admin('set-user-or-group-policy', attached, '')
  return { url: root.url, accessKey: name, secretKey }
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
