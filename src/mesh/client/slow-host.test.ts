import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Random, seededRandom } from '../../ids.ts'
import { VirtualClock } from '../../time.ts'
import { defaultCallRetry } from '../resilience/retry.ts'
import type { Transport, WireAnswer } from '../transport.ts'
import { MeshClient } from './client.ts'
import { endpoints, ok, status, ToldDiscovery } from './fixture.ts'

type Reply = (id: string, now: number) => { readonly ms: number; readonly answer: WireAnswer }

const instances = Array.from({ length: 11 }, (_, n) => `i${n}`)

/** A tenth to ten times of 5 ms, mostly less. */
const usual = (random: Random): number => 0.5 * 100 ** (random() ** 2)

/** Some clients that ask eleven instances on a virtual clock, each request at its time whatever became of the others. */
async function simulate(clients: number, perSecond: number, seconds: number, reply: Reply, retries = 0) {
  const clock = new VirtualClock()
  const received: { id: string; at: number }[] = []
  const transport: Transport = {
    send({ id }, _, signal) {
      received.push({ id, at: clock.monotonic() })
      const { ms, answer } = reply(id, clock.monotonic())
      return new Promise((resolve, reject) => {
        const timer = clock.after(ms, () => resolve(answer))
        signal.addEventListener('abort', () => {
          timer.cancel()
          reject(signal.reason)
        })
      })
    },
    keepOnly() {},
    async close() {},
  }
  const told = { sent: 0, late: 0 }
  const meshes = Array.from({ length: clients }, (_, n) => {
    const discovery = new ToldDiscovery()
    discovery.say('orders', endpoints(...instances))
    const retry = { ...defaultCallRetry, retries }
    const mesh = new MeshClient({ discovery, transport, clock, random: seededRandom(`client ${n}`), retry })
    const ask = (): void => {
      const began = clock.monotonic()
      told.sent++
      const ended = ({ status }: { status: number }): void => {
        if (status !== 200 || clock.monotonic() - began > 1000) told.late++
      }
      const request = { service: 'orders', method: 'GET', path: '/', idempotent: true, timeoutMs: 5000 }
      mesh.request(request).then(ended, () => told.late++)
    }
    for (let at = n; at < seconds * 1000; at += 1000 / perSecond) clock.after(at, ask)
    return mesh
  })
  await clock.advance(seconds * 1000 + 6000)
  for (const mesh of meshes) await mesh.close()
  return { ...told, received }
}

test('while one of eleven instances answers in 2 s for 30 s, 99.9 % of the requests are answered within one', async () => {
  const random = seededRandom('service times')
  const slow = (id: string, now: number): boolean => id === 'i3' && now >= 5_000
  const { sent, late } = await simulate(2, 100, 35, (id, now) => ({
    ms: slow(id, now) ? 2000 : usual(random),
    answer: ok(),
  }))
  const during = (sent * 30) / 35
  assert.ok(late <= during / 1000, `${late} of ${during}`)
})

test('each client finds out by about one request that an instance stalls, long before that request has its answer', async () => {
  const random = seededRandom('service times')
  const slow = (id: string, now: number): boolean => id === 'i3' && now >= 1000
  const { received } = await simulate(10, 100, 3, (id, now) => ({
    ms: slow(id, now) ? 2000 : usual(random),
    answer: ok(),
  }))
  const stalled = received.filter(({ id, at }) => slow(id, at)).length
  assert.ok(stalled >= 10, 'each was to find out')
  assert.ok(stalled <= 12, `${stalled} requests of 10 clients waited there`)
})

test('an instance that fails fast gets at most half its share after five seconds', async () => {
  const random = seededRandom('service times')
  const { received } = await simulate(2, 100, 20, (id) => ({
    ms: id === 'i3' ? 0.1 : usual(random),
    answer: id === 'i3' ? status(503) : ok(),
  }))
  const later = received.filter(({ at }) => at >= 5000)
  const share = later.filter(({ id }) => id === 'i3').length / later.length
  assert.ok(share <= 0.5 / instances.length, `${share}`)
})

test('while every instance fails, retries stay within the budget', async () => {
  const { sent, received } = await simulate(2, 100, 10, () => ({ ms: 1, answer: status(503) }), 2)
  const budget = 0.2 * sent + 2 * 10 * 10
  assert.ok(received.length - sent <= budget, `${received.length - sent} retries, ${budget} allowed`)
})
