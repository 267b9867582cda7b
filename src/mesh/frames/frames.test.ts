import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { describe, test } from 'node:test'
import { seededRandom } from '../../ids.ts'
import { type Clock, systemClock, VirtualClock } from '../../time.ts'
import type { Endpoint } from '../endpoint.ts'
import { Lost, type WireAnswer, type WireRequest } from '../transport.ts'
import { encode, frameOf, helloOf, kinds, requestOf } from './codec.ts'
import { defaultFrameLimits, type FrameLimits, FrameServing } from './serving.ts'
import { FrameTransport } from './transport.ts'

type Answer = (request: WireRequest, signal: AbortSignal) => Promise<WireAnswer>

const never = new AbortController().signal

class Site {
  readonly serving: FrameServing
  readonly server = createServer((socket) => {
    this.sockets.push(socket)
    this.serving.accept(socket)
  })
  readonly sockets: Socket[] = []

  constructor(answer: Answer, limits: Partial<FrameLimits> = {}, clock: Clock = systemClock) {
    this.serving = new FrameServing({ clock, limits: { ...defaultFrameLimits, ...limits }, answer })
  }

  async listen(port = 0): Promise<Endpoint> {
    this.server.listen(port, '127.0.0.1')
    await once(this.server, 'listening')
    const { port: at } = this.server.address() as AddressInfo
    return { id: `at-${at}`, address: `tcp://127.0.0.1:${at}`, labels: {}, weight: 1 }
  }

  async stop(graceMs = 0): Promise<void> {
    this.server.close()
    await this.serving.stop(graceMs)
  }
}

async function between(
  answer: Answer,
  work: (transport: FrameTransport, endpoint: Endpoint, site: Site) => Promise<void>,
  limits: Partial<FrameLimits> = {},
): Promise<void> {
  const site = new Site(answer, limits)
  const transport = new FrameTransport({ clock: systemClock })
  try {
    await work(transport, await site.listen(), site)
  } finally {
    await transport.close()
    await site.stop()
  }
}

const asking = (text: string): WireRequest => ({ method: 'POST', path: '/x', headers: {}, body: Buffer.from(text) })
const saying = (text: string): WireAnswer => ({ status: 200, headers: { a: 'b' }, body: Buffer.from(text) })
const textOf = ({ body }: { body: Uint8Array }): string => Buffer.from(body).toString()
const lost = (how: Lost['how']) => (error: unknown) => error instanceof Lost && error.how === how

describe('frames', () => {
  test('any number of requests share one connection, and each gets its own answer, whichever is ready first', async () => {
    const gates = new Map<string, PromiseWithResolvers<void>>()
    await between(
      async (request) => {
        await gates.get(textOf(request))?.promise
        return saying(`to ${textOf(request)}`)
      },
      async (transport, endpoint, site) => {
        const names = Array.from({ length: 200 }, (_, n) => String(n))
        for (const name of names) gates.set(name, Promise.withResolvers())
        const order: string[] = []
        const all = names.map(async (name) => {
          const answer = await transport.send(endpoint, asking(name), never)
          order.push(name)
          assert.deepEqual([answer.status, answer.headers, textOf(answer)], [200, { a: 'b' }, `to ${name}`])
        })
        for (const name of names.toReversed()) {
          gates.get(name)?.resolve()
          while (order.at(-1) !== name) await new Promise(setImmediate)
        }
        await Promise.all(all)
        assert.equal(site.sockets.length, 1)
      },
    )
  })

  test('who gives up is let go at once, and the server is told; the others are not disturbed', async () => {
    const told = Promise.withResolvers<void>()
    const begun = Promise.withResolvers<void>()
    await between(
      async (request, signal) => {
        if (textOf(request) !== 'slow') return saying('quick')
        begun.resolve()
        signal.addEventListener('abort', () => told.resolve())
        await told.promise
        return saying('nobody hears this')
      },
      async (transport, endpoint) => {
        const abort = new AbortController()
        const slow = transport.send(endpoint, asking('slow'), abort.signal)
        await begun.promise
        assert.equal(textOf(await transport.send(endpoint, asking('quick'), never)), 'quick')
        abort.abort(new Error('enough'))
        await assert.rejects(slow, /enough/)
        await told.promise
        assert.equal(textOf(await transport.send(endpoint, asking('quick'), never)), 'quick')
        await assert.rejects(
          transport.send(endpoint, asking('quick'), AbortSignal.abort(new Error('before'))),
          /before/,
        )
      },
    )
  })

  test('no more than the server works at are sent to it; the rest waits, and may give up while it does', async () => {
    let now = 0
    let most = 0
    await between(
      async (request) => {
        most = Math.max(most, ++now)
        await new Promise(setImmediate)
        now--
        return saying(textOf(request))
      },
      async (transport, endpoint) => {
        const abort = new AbortController()
        const all = Array.from({ length: 50 }, (_, n) => transport.send(endpoint, asking(String(n)), never))
        const gaveUp = transport.send(endpoint, asking('x'), abort.signal)
        abort.abort(new Error('enough'))
        await assert.rejects(gaveUp, /enough/)
        assert.deepEqual((await Promise.all(all)).map(textOf), Array.from(all.keys(), String))
        assert.equal(most, 3)
      },
      { maxInFlight: 3 },
    )
  })

  test('when a connection breaks nobody knows of what was sent; what waited for its place never was, and may be asked of anybody', async () => {
    const begun = Promise.withResolvers<void>()
    await between(
      () => {
        begun.resolve()
        return new Promise(() => {})
      },
      async (transport, endpoint, site) => {
        const sent = assert.rejects(transport.send(endpoint, asking('sent'), never), lost('reset'))
        await begun.promise
        const waiting = assert.rejects(transport.send(endpoint, asking('waiting'), never), lost('refused'))
        site.sockets[0]?.destroy()
        await Promise.all([sent, waiting])
      },
      { maxInFlight: 1 },
    )
  })

  test('a request that is longer than the server reads is 413, and the connection goes on', async () => {
    await between(
      async () => saying('fine'),
      async (transport, endpoint, site) => {
        const { status, headers, body } = await transport.send(endpoint, asking('x'.repeat(2000)), never)
        assert.deepEqual([status, headers['content-type']], [413, 'application/problem+json'])
        assert.equal(JSON.parse(Buffer.from(body).toString()).code, 'request_too_large')
        assert.equal(textOf(await transport.send(endpoint, asking('x'), never)), 'fine')
        assert.equal(site.sockets.length, 1)
      },
      { maxBytes: 1000 },
    )
  })

  test('a server that dies in the middle loses what was under way; the next request gets a new connection', async () => {
    const begun = Promise.withResolvers<void>()
    await between(
      async (request) => {
        if (textOf(request) === 'hold') {
          begun.resolve()
          await new Promise(() => {})
        }
        return saying('fine')
      },
      async (transport, endpoint, site) => {
        const held = transport.send(endpoint, asking('hold'), never)
        await begun.promise
        site.sockets[0]?.resetAndDestroy()
        await assert.rejects(held, lost('reset'))
        assert.equal(textOf(await transport.send(endpoint, asking('x'), never)), 'fine')
      },
    )
  })

  test('where nobody listens, or nobody greets in time, nothing was handled', async () => {
    const clock = new VirtualClock(0)
    const transport = new FrameTransport({ clock, connectTimeoutMs: 500 })
    const silent = createServer((socket) => socket.resume()).listen(0, '127.0.0.1')
    await once(silent, 'listening')
    const { port } = silent.address() as AddressInfo
    const endpoint = { id: 'a', address: `tcp://127.0.0.1:${port}`, labels: {}, weight: 1 }
    const sent = transport.send(endpoint, asking('x'), never)
    let over = false
    const checked = assert.rejects(sent, lost('connect')).then(() => (over = true))
    while (!over) await clock.advance(100)
    await checked
    silent.close()
    await once(silent, 'close')
    await assert.rejects(transport.send({ ...endpoint, id: 'b' }, asking('x'), never), lost('connect'))
    await transport.close()
  })

  test('a server that stops lets what is under way end, and sends others elsewhere', async () => {
    const gate = Promise.withResolvers<void>()
    const begun = Promise.withResolvers<void>()
    const site = new Site(async () => {
      begun.resolve()
      await gate.promise
      return saying('to the end')
    })
    const transport = new FrameTransport({ clock: systemClock })
    const endpoint = await site.listen()
    const held = transport.send(endpoint, asking('x'), never)
    await begun.promise
    const stopped = site.stop(10_000)
    await assert.rejects(async () => {
      // Until the word has come, requests are still sent there: they are refused. Then nobody listens.
      for (;;) await transport.send(endpoint, asking('y'), never)
    }, Lost)
    gate.resolve()
    assert.equal(textOf(await held), 'to the end')
    await stopped
    await transport.close()
  })

  test('who does not read its answers is not read from: they do not pile up', async () => {
    let answered = 0
    await between(
      async () => {
        answered++
        return { status: 200, headers: {}, body: Buffer.alloc(1_000_000) }
      },
      async (_transport, endpoint, site) => {
        const socket = connect({ port: Number(new URL(endpoint.address).port), host: '127.0.0.1' })
        socket.pause()
        await once(socket, 'connect')
        socket.write(encode([helloOf({ protocol: 'skerry/1', maxBytes: 2_000_000, maxInFlight: 1 })]))
        let number = 0
        // As many as it takes: written until the server does not read any more.
        while (!site.sockets[0]?.isPaused()) {
          for (let n = 0; n < 20; n++) socket.write(encode([requestOf(++number, asking('x'.repeat(1000)))]))
          await new Promise(setImmediate)
        }
        const before = answered
        assert.ok(before < 200, `${before} answers of a megabyte`)
        socket.destroy()
      },
    )
  })

  test('what comes too slowly is cut off: greetings and frames that are not whole in time', async () => {
    const clock = new VirtualClock(0)
    const site = new Site(async () => saying('fine'), { frameMs: 3000 }, clock)
    const { address } = await site.listen()
    const open = async (bytes: Uint8Array): Promise<Socket> => {
      const socket = connect({ port: Number(new URL(address).port), host: '127.0.0.1' })
      await once(socket, 'data')
      socket.on('error', () => {})
      socket.write(bytes)
      return socket.resume()
    }
    const hello = encode([helloOf({ protocol: 'skerry/1', maxBytes: 1000, maxInFlight: 1 })])
    const request = encode([requestOf(1, asking('abc'))])
    const slow = [await open(Buffer.alloc(0)), await open(Buffer.concat([hello, request.subarray(0, 12)]))]
    const fine = await open(Buffer.concat([hello, request]))
    await once(fine, 'data')
    const ends = slow.map((socket) => once(socket, 'close'))
    let over = false
    void Promise.all(ends).then(() => (over = true))
    while (!over) await clock.advance(500)
    assert.ok(clock.monotonic() >= 3000)
    assert.equal(site.serving.connections, 1)
    fine.destroy()
    await site.stop()
  })

  test('random bytes, cut frames and frames of no meaning end their connection, and nothing else', async () => {
    const random = seededRandom('frames')
    const hello = encode([helloOf({ protocol: 'skerry/1', maxBytes: 1000, maxInFlight: 1 })])
    const good = encode([requestOf(1, asking('abc'))])
    await between(
      async () => saying('fine'),
      async (transport, endpoint, site) => {
        const port = Number(new URL(endpoint.address).port)
        const bad = (): Buffer => {
          const bytes = Buffer.from(random() < 0.5 ? good : encode([frameOf(kinds.leave, 1)]))
          for (let n = 0; n < 3; n++) bytes[Math.floor(random() * bytes.length)] = Math.floor(random() * 256)
          const cut = bytes.subarray(0, Math.ceil(random() * bytes.length))
          return random() < 0.5 ? Buffer.concat([hello, cut]) : cut
        }
        for (let n = 0; n < 2000; n++) {
          const socket = connect({ port, host: '127.0.0.1' }).resume()
          socket.on('error', () => {})
          socket.end(bad())
          await once(socket, 'close')
        }
        assert.equal(textOf(await transport.send(endpoint, asking('x'), never)), 'fine')
        while (site.serving.connections > 1) await new Promise(setImmediate)
      },
    )
  })
})
