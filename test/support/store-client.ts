import { Client } from 'minio'

export interface StoreKeys {
  readonly url: string
  readonly accessKey: string
  readonly secretKey: string
}

/** A client of the store, to put objects with. */
export function storeClient({ url, accessKey, secretKey }: StoreKeys): Client {
  const { hostname, port } = new URL(url)
  return new Client({
    endPoint: hostname,
    port: Number(port),
    useSSL: false,
    accessKey,
    secretKey,
    region: 'us-east-1',
  })
}
