/** Skerry's server of frames on 65 ports, answering as the bare HTTP server does. */
import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { defaultFrameLimits, FrameServing } from '../../../src/mesh/frames/serving.ts'
import { writeServerTiming } from '../../../src/mesh/latency.ts'
import type { WireAnswer, WireRequest } from '../../../src/mesh/transport.ts'
import { systemClock } from '../../../src/time.ts'
import { serve } from '../serve.ts'

const ports = 65
const headers = {
  'content-type': 'application/json',
  'server-timing': writeServerTiming({ requestMs: 0.02, responseMs: 0.03 }),
}

async function answer({ body }: WireRequest): Promise<WireAnswer> {
  const text = Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString()
  return { status: 200, headers, body: Buffer.from(JSON.stringify(JSON.parse(text))) }
}

await serve(async () => {
  const serving = new FrameServing({ clock: systemClock, limits: defaultFrameLimits, answer })
  const servers = Array.from({ length: ports }, () =>
    createServer((socket) => serving.accept(socket)).listen(0, '127.0.0.1'),
  )
  await Promise.all(servers.map((server) => once(server, 'listening')))
  return {
    ports: servers.map((server) => (server.address() as AddressInfo).port),
    async stop() {
      for (const server of servers) server.close()
      await serving.stop(1_000)
    },
  }
})
