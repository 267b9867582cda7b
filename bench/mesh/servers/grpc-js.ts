/** A bare gRPC server with the same messages. */
import {
  Server,
  ServerCredentials,
  type ServerUnaryCall,
  type ServiceDefinition,
  type sendUnaryData,
} from '@grpc/grpc-js'
import { definitionsOf } from '../../../src/mesh/grpc/definitions.ts'
import { proto } from '../proto.ts'
import { serve } from '../serve.ts'

await serve(async () => {
  const server = new Server()
  const definition = definitionsOf([proto])['echo.Echo'] as unknown as ServiceDefinition
  server.addService(definition, {
    Give: (call: ServerUnaryCall<unknown, unknown>, done: sendUnaryData<unknown>) => done(null, call.request),
  })
  const port = await new Promise<number>((resolve, reject) => {
    const bound = (error: Error | null, at: number): void => (error ? reject(error) : resolve(at))
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), bound)
  })
  return { ports: [port], stop: () => server.forceShutdown() }
})
