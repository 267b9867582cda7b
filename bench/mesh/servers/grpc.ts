/** Skerry's gRPC server. Who answers is no store, and no schema is checked: its door alone. */
import { seededRandom } from '../../../src/ids.ts'
import { addressOf } from '../../../src/mesh/server/address.ts'
import { openGrpc } from '../../../src/mesh/server/grpc/open.ts'
import { Health } from '../../../src/mesh/server/health.ts'
import { Traffic } from '../../../src/mesh/server/traffic.ts'
import { systemClock } from '../../../src/time.ts'
import { proto } from '../proto.ts'
import { serve } from '../serve.ts'
import { Echo } from '../work.ts'

await serve(async () => {
  const health = new Health(() => undefined)
  const callee = { contract: Echo, invoke: async ({ input }: { input: unknown }) => JSON.stringify(input) }
  const traffic = new Traffic({ clock: systemClock, random: seededRandom('bench') })
  const server = await openGrpc({
    ...{ address: addressOf('127.0.0.1:0'), callees: [callee], health, clock: systemClock, traffic },
    protos: [proto],
  })
  health.started()
  return { ports: [Number(new URL(server.url).port)], stop: () => server.stop(1_000) }
})
