/** A bare HTTP server on 65 ports: one for who calls one endpoint, 64 for who calls as many. */
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { writeServerTiming } from '../../../src/mesh/latency.ts'
import { idleMs } from '../same.ts'
import { serve } from '../serve.ts'

const ports = 65
const timing = writeServerTiming({ requestMs: 0.02, responseMs: 0.03 })

function answer(request: IncomingMessage, response: ServerResponse): void {
  const chunks: Buffer[] = []
  request.on('data', (chunk: Buffer) => chunks.push(chunk))
  request.on('end', () => {
    const body = Buffer.from(JSON.stringify(JSON.parse(Buffer.concat(chunks).toString())))
    response.writeHead(200, {
      'content-type': 'application/json',
      'content-length': body.length,
      'server-timing': timing,
    })
    response.end(body)
  })
}

await serve(async () => {
  const servers = Array.from({ length: ports }, () =>
    createServer({ keepAliveTimeout: 2 * idleMs }, answer).listen(0, '127.0.0.1'),
  )
  await Promise.all(servers.map((server) => once(server, 'listening')))
  return {
    ports: servers.map((server) => (server.address() as AddressInfo).port),
    stop() {
      for (const server of servers) {
        server.close()
        server.closeAllConnections()
      }
    },
  }
})
