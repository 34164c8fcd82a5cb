import type {
  DescMessage,
  DescMethodBiDiStreaming,
  DescMethodServerStreaming,
  DescMethodUnary,
  MessageShape,
} from '@bufbuild/protobuf'
import { fromBinary, toBinary } from '@bufbuild/protobuf'
import type { MethodDefinition } from '@grpc/grpc-js'
import { FramedMessage } from './framed-message.ts'

type AnsweringMethod = DescMethodUnary | DescMethodServerStreaming | DescMethodBiDiStreaming

/** A method of a generated service, as grpc-js wants it. Messages that are framed already pass as they are. */
export function methodDefinition<Input extends DescMessage, Output extends DescMessage>(
  method: AnsweringMethod & { readonly input: Input; readonly output: Output },
): MethodDefinition<MessageShape<Input>, MessageShape<Output>> {
  return {
    path: `/${method.parent.typeName}/${method.name}`,
    requestStream: method.methodKind === 'bidi_streaming',
    responseStream: method.methodKind !== 'unary',
    requestSerialize: (message) => Buffer.from(toBinary(method.input, message)),
    requestDeserialize: (bytes) => fromBinary(method.input, bytes),
    responseSerialize: (message: MessageShape<Output> | FramedMessage) =>
      message instanceof FramedMessage
        ? message.bytes
        : Buffer.from(toBinary(method.output, message)),
    responseDeserialize: (bytes) => fromBinary(method.output, bytes),
  }
}
