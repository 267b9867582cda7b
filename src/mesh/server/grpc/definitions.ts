import { fromJSON, type PackageDefinition } from '@grpc/proto-loader'
import protobuf from 'protobufjs'

/** What gRPC needs of a `.proto`: fields keep their names, numbers are numbers, what is missing has its default. */
export function definitionsOf(texts: readonly string[]): PackageDefinition {
  const root = new protobuf.Root()
  for (const text of texts) protobuf.parse(text, root, { keepCase: true })
  return fromJSON(root.resolveAll().toJSON() as never, {
    keepCase: true,
    longs: Number,
    enums: String,
    defaults: true,
    arrays: true,
    objects: true,
  })
}
