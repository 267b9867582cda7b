/** Skerry's client, whole: a typed call through discovery, balancing, circuit, retries and deadline. `over` names the transport. */

import { seededRandom } from '../../../src/ids.ts'
import { MeshClient } from '../../../src/mesh/client/client.ts'
import { readCall, writeCall } from '../../../src/mesh/client/exchange.ts'
import { StaticDiscovery } from '../../../src/mesh/discovery/static.ts'
import { FrameTransport } from '../../../src/mesh/frames/transport.ts'
import { HttpTransport } from '../../../src/mesh/http/transport.ts'
import type { Transport } from '../../../src/mesh/transport.ts'
import { systemClock } from '../../../src/time.ts'
import { callInBlocks, type Told } from '../block.ts'
import { idleMs } from '../same.ts'
import { Echo, type Order, orderOf, timeoutMs } from '../work.ts'

const type = Echo.give

await callInBlocks(({ at, options, inFlight }) => {
  const over = options.over === 'frames' ? 'frames' : 'http'
  const ports = (at[over] ?? []).slice(...(options.endpoints === 64 ? [1] : [0, 1]))
  const scheme = over === 'frames' ? 'tcp' : 'http'
  const mesh = new MeshClient({
    discovery: new StaticDiscovery({ echo: ports.map((port) => `${scheme}://127.0.0.1:${port}`) }),
    transport: transportOf(over, inFlight),
    clock: systemClock,
    random: seededRandom('bench'),
  })
  return {
    async call(order) {
      const sendable = writeCall(type, order)
      const answer = await mesh.request({ ...sendable, service: 'echo', timeoutMs, idempotent: type.idempotent })
      return readCall(type, answer) as Order
    },
    close: () => mesh.close(),
    ...(options.endpoints === 1 && over === 'http' && { note: validationCost() }),
  }
})

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

function transportOf(over: 'http' | 'frames', connections: Told['inFlight']): Transport {
  if (over === 'frames') return new FrameTransport({ clock: systemClock, idleMs })
  return new HttpTransport({ connections, idleMs })
}
