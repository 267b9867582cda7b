/** The bare gRPC client, with the same messages. */
import { type Client, credentials, loadPackageDefinition, Metadata, type ServiceError } from '@grpc/grpc-js'
import { definitionsOf } from '../../../src/mesh/grpc/definitions.ts'
import type { Beside } from '../beside.ts'
import { callInBlocks } from '../block.ts'
import { proto } from '../proto.ts'
import { type Order, timeoutMs } from '../work.ts'

type Give = (
  order: Order,
  metadata: Metadata,
  options: { readonly deadline: number },
  done: (error: ServiceError | null, answer?: Order) => void,
) => void
type EchoClient = new (address: string, creds: ReturnType<typeof credentials.createInsecure>) => Client & { Give: Give }

await callInBlocks(({ at, options }) => {
  const [port] = at[options.at as Beside] ?? []
  const { echo } = loadPackageDefinition(definitionsOf([proto])) as unknown as { echo: { Echo: EchoClient } }
  const client = new echo.Echo(`127.0.0.1:${port}`, credentials.createInsecure())
  return {
    call: (order) =>
      new Promise((resolve, reject) => {
        client.Give(order, new Metadata(), { deadline: Date.now() + timeoutMs }, (error, answer) => {
          if (answer) resolve(answer)
          else reject(error)
        })
      }),
    close: () => client.close(),
  }
})
