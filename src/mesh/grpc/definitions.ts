import { fromJSON, type PackageDefinition } from '@grpc/proto-loader'
import protobuf from 'protobufjs'
import type { AnyCall } from '../../call.ts'

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

/** As the `.proto` names it: `place-order` is `PlaceOrder`. */
export const methodOf = ({ name }: AnyCall): string =>
  name.replaceAll(/(?:^|[_-]+)([A-Za-z0-9])/g, (_, first: string) => first.toUpperCase())
