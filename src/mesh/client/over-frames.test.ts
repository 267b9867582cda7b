import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { test } from 'node:test'
import { seededRandom } from '../../ids.ts'
import { systemClock } from '../../time.ts'
import { StaticDiscovery } from '../discovery/static.ts'
import { defaultFrameLimits, FrameServing } from '../frames/serving.ts'
import { FrameTransport } from '../frames/transport.ts'
import { writeServerTiming } from '../latency.ts'
import type { WireAnswer, WireRequest } from '../transport.ts'
import { MeshClient } from './client.ts'

interface Instance {
  readonly port: number
  readonly kill: () => void
  readonly stop: () => Promise<void>
}

async function instance(answer: (request: WireRequest, signal: AbortSignal) => Promise<WireAnswer>): Promise<Instance> {
  const serving = new FrameServing({ clock: systemClock, limits: defaultFrameLimits, answer })
  const sockets = new Set<Socket>()
  const server: Server = createServer((socket) => {
    sockets.add(socket)
    serving.accept(socket)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const kill = (): void => {
    server.close()
    for (const socket of sockets) socket.resetAndDestroy()
  }
  const stop = async (): Promise<void> => {
    server.close()
    await serving.stop(5000)
  }
  return { port: (server.address() as AddressInfo).port, kill, stop }
}

function clientOf(instances: readonly Instance[]): MeshClient {
  return new MeshClient({
    discovery: new StaticDiscovery({ orders: instances.map(({ port }) => `tcp://127.0.0.1:${port}`) }),
    transport: new FrameTransport({ clock: systemClock }),
    clock: systemClock,
    random: seededRandom('over frames'),
  })
}

const asked = { service: 'orders', method: 'POST', path: '/place', idempotent: true, timeoutMs: 30_000 }
const body = Buffer.from('{"n":1}')

test('calls over frames go on while one instance is killed and another one leaves in order', async () => {
  const answered = [0, 0, 0]
  const instances = await Promise.all(
    answered.map((_, n) =>
      instance(async (request) => {
        answered[n] = (answered[n] as number) + 1
        await new Promise(setImmediate)
        return {
          status: 200,
          headers: { 'server-timing': writeServerTiming({ requestMs: 0, responseMs: 0.001 }) },
          body: request.body,
        }
      }),
    ),
  )
  const client = clientOf(instances)
  let done = 0
  const callers = Array.from({ length: 8 }, async () => {
    for (let n = 0; n < 200; n++) {
      const answer = await client.request({ ...asked, body })
      assert.deepEqual([answer.status, Buffer.from(answer.body).toString()], [200, '{"n":1}'])
      const { requestMs, responseMs, networkMs } = answer.latency
      assert.ok(requestMs >= 0 && responseMs > 0 && networkMs > 0)
      done++
      if (done === 400) instances[0]?.kill()
      if (done === 800) await instances[1]?.stop()
    }
  })
  await Promise.all(callers)
  assert.ok(answered.every((count) => count > 0))
  await client.close()
  await instances[2]?.stop()
})

test('who gives up frees the handler at the other end, however many hops away it is', async () => {
  const told = Promise.withResolvers<void>()
  const begun = Promise.withResolvers<void>()
  const last = await instance(async (_, signal) => {
    begun.resolve()
    await new Promise((resolve) => signal.addEventListener('abort', resolve))
    told.resolve()
    return { status: 200, headers: {}, body }
  })
  const inner = clientOf([last])
  const first = await instance(async ({ headers }, signal) => {
    assert.ok(Number(headers['skerry-timeout-ms']) < 30_000)
    const inheritedDeadline = systemClock.monotonic() + Number(headers['skerry-timeout-ms'])
    return inner.request({ ...asked, inheritedDeadline, signal }).catch(() => ({ status: 499, headers: {}, body }))
  })
  const outer = clientOf([first])
  const abort = new AbortController()
  const rejected = assert.rejects(outer.request({ ...asked, signal: abort.signal }), /enough/)
  await begun.promise
  abort.abort(new Error('enough'))
  await rejected
  await told.promise
  await Promise.all([outer.close(), inner.close()])
  await Promise.all([first.stop(), last.stop()])
})
