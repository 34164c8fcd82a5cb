import {
  create,
  type DescMessage,
  type DescMethodUnary,
  type MessageInitShape,
  type MessageShape,
} from '@bufbuild/protobuf'
import { type CallOptions, type Client, Metadata } from '@grpc/grpc-js'
import { methodDefinition } from '../../service/grpc/service-definition.ts'

export type UnaryCall = <I extends DescMessage, O extends DescMessage>(
  method: DescMethodUnary<I, O>,
  request: MessageInitShape<I>,
  options?: CallOptions,
) => Promise<MessageShape<O>>

/** Calls of one answer, each with these headers; errors as gRPC gives them. */
export function unaryCall(client: Client, headers: Readonly<Record<string, string>>): UnaryCall {
  return (method, request, options = {}) => {
    const { path, requestSerialize, responseDeserialize } = methodDefinition(method)
    return new Promise((resolve, reject) => {
      client.makeUnaryRequest(
        path,
        requestSerialize,
        responseDeserialize,
        create(method.input, request),
        metadataOf(headers),
        options,
        (error, answer) => (answer === undefined ? reject(error) : resolve(answer)),
      )
    })
  }
}

/** Headers as gRPC sends them. */
export function metadataOf(headers: Readonly<Record<string, string>>): Metadata {
  const metadata = new Metadata()
  for (const [name, value] of Object.entries(headers)) metadata.set(name, value)
  return metadata
}
