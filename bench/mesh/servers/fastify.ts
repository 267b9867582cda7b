/** What is often written by hand: Fastify, and the same schema on the way in and out. There is no store behind it. */
import type { AddressInfo } from 'node:net'
import { fastify } from 'fastify'
import { idleMs } from '../same.ts'
import { serve } from '../serve.ts'
import { Desk, Order } from '../work.ts'

await serve(async () => {
  const server = fastify({ keepAliveTimeout: 2 * idleMs })
  server.post(Desk.look.path, async ({ body }) => Order.parse(Order.parse(body)))
  await server.listen({ port: 0, host: '127.0.0.1' })
  return { ports: [(server.server.address() as AddressInfo).port], stop: () => server.close() }
})
