/** Skerry's client, whole: a typed call through discovery, balancing, circuit, retries and deadline. `over` names the transport. */

import { seededRandom } from '../../../src/ids.ts'
import { MeshClient } from '../../../src/mesh/client/client.ts'
import { readCall, writeCall } from '../../../src/mesh/client/exchange.ts'
import { StaticDiscovery } from '../../../src/mesh/discovery/static.ts'
import { FrameTransport } from '../../../src/mesh/frames/transport.ts'
import { GrpcMessages } from '../../../src/mesh/grpc/messages.ts'
import { GrpcTransport } from '../../../src/mesh/grpc/transport.ts'
import { HttpTransport } from '../../../src/mesh/http/transport.ts'
import type { Transport } from '../../../src/mesh/transport.ts'
import { systemClock } from '../../../src/time.ts'
import { callInBlocks, type Told } from '../block.ts'
import { proto } from '../proto.ts'
import { idleMs } from '../same.ts'
import { Echo, type Order, orderOf, timeoutMs } from '../work.ts'

const type = Echo.give
const schemes = { http: 'http', frames: 'tcp', grpc: 'grpc' } as const
type Over = keyof typeof schemes
const json = { write: writeCall, read: readCall }

await callInBlocks(({ at, options, inFlight }) => {
  const over = options.over as Over
  const ports = (at[over] ?? []).slice(...(options.endpoints === 64 ? [1] : [0, 1]))
  const mesh = new MeshClient({
    discovery: new StaticDiscovery({ echo: ports.map((port) => `${schemes[over]}://127.0.0.1:${port}`) }),
    transport: transportOf(over, inFlight),
    clock: systemClock,
    random: seededRandom('bench'),
  })
  const messages = over === 'grpc' ? new GrpcMessages(Echo, proto) : json
  return {
    async call(order) {
      const sendable = messages.write(type, order)
      const answer = await mesh.request({ ...sendable, service: 'echo', timeoutMs, idempotent: type.idempotent })
      return messages.read(type, answer) as Order
    },
    close: () => mesh.close(),
    ...(options.endpoints === 1 && over === 'http' && { note: validationCost() }),
  }
})

function transportOf(over: Over, connections: Told['inFlight']): Transport {
  if (over === 'grpc') return new GrpcTransport({ clock: systemClock })
  if (over === 'frames') return new FrameTransport({ clock: systemClock, idleMs })
  return new HttpTransport({ connections, idleMs })
}

/** What is left out everywhere. */
function validationCost(): string {
  const runs = 20_000
  const before = process.cpuUsage()
  for (let n = 0; n < runs; n++) {
    type.take(orderOf(n))
    type.give(orderOf(n))
  }
  const { user, system } = process.cpuUsage(before)
  return `checking input and output by their schemas, which nobody does here, takes ${((user + system) / runs).toFixed(1)} µs`
}
