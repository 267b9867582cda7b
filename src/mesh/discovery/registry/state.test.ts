import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { VirtualClock } from '../../../time.ts'
import type { Asked, Registration } from './messages.ts'
import { type Cause, defaultTimes, type Effect, most, RegistryState } from './state.ts'

/** A registry's state on a virtual clock, which looks as often as a registry does. */
class Site {
  readonly clock = new VirtualClock()
  readonly state = new RegistryState(this.clock.monotonic())
  readonly seen: string[] = []

  apply(cause: Cause): string[] {
    const effects = this.state.apply(cause, this.clock.monotonic()).map(shown)
    this.seen.push(...effects)
    return effects
  }

  join(...peers: number[]): this {
    for (const peer of peers) this.apply({ kind: 'joined', peer })
    return this
  }

  say(peer: number, message: Asked): string[] {
    return this.apply({ kind: 'said', peer, message })
  }

  register(peer: number, id: string, more: Partial<Registration> = {}): string[] {
    return this.say(peer, { kind: 'register', registration: instance(id, more) })
  }

  /** Lets time pass, with a look as often as is due, while these peers ping. */
  async pass(ms: number, ...pinging: number[]): Promise<void> {
    for (let passed = 0; passed < ms; passed += defaultTimes.lookMs) {
      await this.clock.advance(defaultTimes.lookMs)
      for (const peer of pinging) this.say(peer, { kind: 'ping', loads: [] })
      this.apply({ kind: 'time' })
    }
  }

  ids(service = 'orders'): string[] {
    return this.state.viewOf(service).endpoints.map(({ id }) => id)
  }

  /** Whether a view of the service is said to be one of a registry that has just begun. */
  settling(service = 'orders'): boolean {
    return this.state.viewOf(service).seen !== undefined
  }
}

const instance = (id: string, more: Partial<Registration> = {}): Registration => ({
  ...{ id, service: 'orders', address: `http://${id}.test:80`, labels: {}, weight: 1, ready: true },
  ...more,
})

const shown = (effect: Effect): string => {
  if (effect.kind === 'view') return `${effect.service} to ${effect.peer}`
  return effect.kind === 'end' ? `end ${effect.peer}: ${effect.why}` : `listing to ${effect.peer}`
}

describe('the state of a registry', () => {
  test('who watches is told at once, and again when an instance comes, changes and goes', () => {
    const site = new Site().join(1, 2)
    assert.deepEqual(site.say(2, { kind: 'watch', service: 'orders' }), ['orders to 2'])
    assert.deepEqual(site.register(1, 'a'), ['orders to 2'])
    assert.deepEqual(site.register(1, 'a', { weight: 3 }), ['orders to 2'])
    assert.deepEqual(site.state.viewOf('orders').endpoints, [
      { id: 'a', address: 'http://a.test:80', labels: {}, weight: 3 },
    ])
    assert.deepEqual(site.say(1, { kind: 'withdraw', service: 'orders', id: 'a' }), ['orders to 2'])
    assert.deepEqual(site.ids(), [])
  })

  test('who does not watch, or not any more, is told nothing', () => {
    const site = new Site().join(1, 2, 3)
    site.say(2, { kind: 'watch', service: 'orders' })
    site.say(3, { kind: 'watch', service: 'carts' })
    site.say(2, { kind: 'unwatch', service: 'orders' })
    assert.deepEqual(site.register(1, 'a'), [])
  })

  test('an instance that is not ready takes no calls, and is listed', () => {
    const site = new Site().join(1)
    site.register(1, 'a', { ready: false })
    assert.deepEqual(site.ids(), [])
    assert.deepEqual(
      site.state.listing(0)[0]?.instances.map(({ id, ready }) => [id, ready]),
      [['a', false]],
    )
  })

  test('the end of a connection takes its instances along at once, and no others', () => {
    const site = new Site().join(1, 2, 3)
    site.say(3, { kind: 'watch', service: 'orders' })
    site.register(1, 'a')
    site.register(2, 'b')
    assert.deepEqual(site.apply({ kind: 'left', peer: 1 }), ['orders to 3'])
    assert.deepEqual(site.ids(), ['b'])
    assert.deepEqual(site.apply({ kind: 'left', peer: 1 }), [])
  })

  test('who is silent for 2.5 s is ended, and whoever pings is not', async () => {
    const site = new Site().join(1, 2, 3)
    site.say(3, { kind: 'watch', service: 'orders' })
    site.register(1, 'a')
    site.register(2, 'b')
    await site.pass(2250, 2, 3)
    assert.deepEqual(site.ids(), ['a', 'b'])
    await site.pass(250, 2, 3)
    assert.deepEqual(site.ids(), ['b'])
    assert.deepEqual(site.seen.slice(-2), ['orders to 3', 'end 1: nothing was heard for 2500 ms'])
  })

  test('a registry that was away itself holds that against nobody', async () => {
    const site = new Site().join(1)
    site.register(1, 'a')
    await site.pass(1000, 1)
    await site.clock.advance(60_000)
    site.apply({ kind: 'time' })
    assert.deepEqual(site.ids(), ['a'])
    await site.pass(2500)
    assert.deepEqual(site.ids(), [])
  })

  test('an instance that came by a new connection does not go with the old one, nor by its word', () => {
    const site = new Site().join(1, 2)
    site.register(1, 'a')
    site.register(2, 'a')
    site.say(1, { kind: 'withdraw', service: 'orders', id: 'a' })
    assert.deepEqual(site.ids(), ['a'])
    site.register(1, 'a')
    site.register(2, 'a')
    site.apply({ kind: 'left', peer: 1 })
    assert.deepEqual(site.ids(), ['a'])
    site.apply({ kind: 'left', peer: 2 })
    assert.deepEqual(site.ids(), [])
  })

  test('of two with one address the newer one gets the calls, ready or not, until it goes', () => {
    const site = new Site().join(1, 2)
    const address = 'http://same.test:80'
    site.register(1, 'old', { address })
    site.register(2, 'new', { address, ready: false })
    assert.deepEqual(site.ids(), [])
    site.register(2, 'new', { address })
    site.register(1, 'old', { address, weight: 2 })
    assert.deepEqual(site.ids(), ['new'])
    assert.deepEqual(
      site.state.listing(0)[0]?.instances.map(({ id, hiddenBy }) => [id, hiddenBy]),
      [
        ['old', 'new'],
        ['new', undefined],
      ],
    )
    site.join(3).register(3, 'old', { address })
    assert.deepEqual(site.ids(), ['old'])
    site.apply({ kind: 'left', peer: 3 })
    assert.deepEqual(site.ids(), ['new'])
  })

  test('what is expected is what the newest instance says; it outlives those that are lost, not those that withdraw', () => {
    const site = new Site().join(1, 2)
    const expected = (): number | undefined => site.state.viewOf('orders').expected
    site.register(1, 'a', { expected: 3 })
    site.register(2, 'b', { expected: 5 })
    site.register(1, 'a', { expected: 3, weight: 2 })
    assert.equal(expected(), 5)
    site.say(2, { kind: 'withdraw', service: 'orders', id: 'b' })
    assert.equal(expected(), 3)
    site.apply({ kind: 'left', peer: 1 })
    assert.equal(expected(), 3)
    assert.deepEqual(site.state.listing(0), [{ service: 'orders', settling: true, expected: 3, instances: [] }])
    site.join(1).register(1, 'a', { expected: 3 })
    site.say(1, { kind: 'withdraw', service: 'orders', id: 'a' })
    assert.equal(expected(), undefined)
    assert.deepEqual(site.state.listing(0), [])
  })

  test('loads are told in lists, with their age, to nobody else, and only by whose connection it is', async () => {
    const site = new Site().join(1, 2)
    site.say(2, { kind: 'watch', service: 'orders' })
    site.register(1, 'a')
    const load = { service: 'orders', id: 'a', load: 7 }
    assert.deepEqual(site.say(1, { kind: 'ping', loads: [load] }), [])
    site.say(2, { kind: 'ping', loads: [{ ...load, load: 99 }] })
    const [listed] = site.state.listing(site.clock.monotonic() + 400)[0]?.instances ?? []
    assert.deepEqual([listed?.load, listed?.loadAgeMs, listed?.sinceMs], [7, 400, 400])
    site.register(1, 'a', { weight: 2 })
    assert.equal(site.state.listing(0)[0]?.instances[0]?.load, 7)
    assert.deepEqual(site.say(2, { kind: 'list' }), ['listing to 2'])
  })

  test('a peer that asks for too much is ended', () => {
    const site = new Site().join(1, 2)
    for (let i = 0; i < most.instancesOfPeer; i++) site.register(1, `i${i}`)
    assert.deepEqual(site.register(1, 'one more'), [`end 1: more than ${most.instancesOfPeer} instances`])
    assert.deepEqual(site.ids(), [])
    for (let i = 0; i < most.watchesOfPeer; i++) site.say(2, { kind: 'watch', service: `s${i}` })
    assert.deepEqual(site.say(2, { kind: 'watch', service: 's0' }), ['s0 to 2'])
    const [ended] = site.say(2, { kind: 'watch', service: 'one more' })
    assert.equal(ended, `end 2: more than ${most.watchesOfPeer} watches`)
    assert.deepEqual(site.register(2, 'a'), [])
  })
})

describe('a registry that has just begun', () => {
  test('says so for ten seconds, and tells all watchers when they are over', async () => {
    const site = new Site().join(1, 2)
    site.say(2, { kind: 'watch', service: 'orders' })
    site.register(1, 'a')
    assert.deepEqual(site.state.viewOf('orders').seen, ['a'])
    await site.pass(9750, 1, 2)
    assert.equal(site.settling(), true)
    site.seen.length = 0
    await site.pass(250, 1, 2)
    assert.deepEqual(site.seen, ['orders to 2'])
    assert.equal(site.settling(), false)
    assert.equal(site.settling('unheard of'), false)
  })

  test('has settled for a service as soon as all that it expects are there, for good', () => {
    const site = new Site().join(1, 2)
    site.register(1, 'a', { expected: 2 })
    assert.equal(site.settling(), true)
    site.register(2, 'b', { expected: 2, ready: false })
    assert.equal(site.settling(), false)
    site.apply({ kind: 'left', peer: 1 })
    site.register(2, 'b', { expected: 2 })
    assert.equal(site.settling(), false)
    assert.equal(site.settling('carts'), true)
  })

  test('names all that it has seen, those too that are gone again', () => {
    const site = new Site().join(1, 2)
    site.register(1, 'a')
    site.register(2, 'b', { ready: false })
    site.apply({ kind: 'left', peer: 1 })
    assert.deepEqual(site.state.viewOf('orders').seen, ['a', 'b'])
    site.apply({ kind: 'left', peer: 2 })
    assert.deepEqual(site.state.viewOf('orders').seen, ['a', 'b'])
  })
})
