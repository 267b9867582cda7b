/** A bare gRPC server with the same messages. */
import {
  Metadata,
  Server,
  ServerCredentials,
  type ServerUnaryCall,
  type ServiceDefinition,
  type sendUnaryData,
} from '@grpc/grpc-js'
import { definitionsOf } from '../../../src/mesh/grpc/definitions.ts'
import { writeServerTiming } from '../../../src/mesh/latency.ts'
import { proto } from '../proto.ts'
import { serve } from '../serve.ts'

/** As Skerry's server has it, and in the other protocols everybody. */
const timing = writeServerTiming({ requestMs: 0.02, responseMs: 0.03 })

await serve(async () => {
  const server = new Server()
  const definition = definitionsOf([proto])['echo.Echo'] as unknown as ServiceDefinition
  server.addService(definition, {
    Give(call: ServerUnaryCall<unknown, unknown>, done: sendUnaryData<unknown>) {
      const trailers = new Metadata()
      trailers.set('server-timing', timing)
      done(null, call.request, trailers)
    },
  })
  const port = await new Promise<number>((resolve, reject) => {
    const bound = (error: Error | null, at: number): void => (error ? reject(error) : resolve(at))
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), bound)
  })
  return { ports: [port], stop: () => server.forceShutdown() }
})
