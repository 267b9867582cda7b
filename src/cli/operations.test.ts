import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { greeter, office, personArrived, type Started, Terminal } from './fixture.ts'

let terminal: Terminal
before(async () => {
  terminal = await Terminal.open()
  await terminal.write('greeter/service.ts', greeter)
  await terminal.write('office/service.ts', office)
})
after(() => terminal.close())

interface Subscription {
  readonly [figure: string]: unknown
}
interface Status {
  readonly bus: Record<string, unknown> & { readonly streams: readonly Record<string, unknown>[] }
  readonly services: readonly (Record<string, unknown> & { readonly subscriptions: readonly Subscription[] })[]
}

const ask = <T>(dir: string, ...args: string[]): Promise<T> => terminal.ask(...args, '--dir', dir) as Promise<T>

async function running(dir: string): Promise<Started> {
  const service = terminal.start('run', 'greeter', '--dir', dir, '--json')
  await service.fact({ kind: 'ready' })
  return service
}

async function stopped(service: Started): Promise<void> {
  service.child.kill('SIGTERM')
  assert.equal((await service.ended).exit, 0)
}

/** The names that were greeted, once there are so many. */
async function greeted(dir: string, n: number): Promise<string[]> {
  const { out } = await terminal.run(['tail', 'greeter', '--dir', dir, '--follow', '--limit', String(n)])
  return out
    .trim()
    .split('\n')
    .map((line) => (JSON.parse(line) as { data: { name: string } }).data.name)
}

describe('a dead letter', () => {
  test('is listed, shown with its history, repaired and handed back, while its service runs', async () => {
    const service = await running('a')
    await terminal.publish('a', 'poison', 'Ada')
    const fact = await service.fact({ kind: 'dead' })
    assert.equal(fact.code, 'terminal')

    const [dead, ...none] = await ask<Record<string, unknown>[]>('a', 'dead', 'list')
    assert.ok(dead)
    assert.deepEqual(none, [])
    assert.equal(dead.subscription, 'greeter/hello')
    assert.equal(dead.message, 'cannot greet poison')
    const id = String(dead.id)

    const shown = await ask<{ history: unknown[]; event: Record<string, unknown> }>('a', 'dead', 'show', id)
    assert.equal(shown.history.length, 1)
    assert.equal(shown.event.type, 'skerry.people.arrived.v1')
    assert.deepEqual(shown.event.data, { name: 'poison' })
    const { out: text } = await terminal.run(['dead', 'show', id, '--dir', 'a'])
    assert.match(text, /1\. \S+Z terminal: cannot greet poison/)

    const notJson = await terminal.run(['dead', 'edit', id, '--data', '{', '--dir', 'a'])
    assert.deepEqual([notJson.exit, notJson.err.slice(0, 22)], [1, 'skerry: invalid_event:'])
    const edited = await terminal.run(['dead', 'edit', id, '--data', '-', '--dir', 'a'], '{"name": "Grace"}')
    assert.equal(edited.exit, 0)
    assert.deepEqual(await ask('a', 'dead', 'redrive', id), { redriven: 1 })

    // Events of that key, which is 'p' for all of them, had waited behind it.
    assert.deepEqual(await greeted('a', 2), ['Grace', 'Ada'])
    assert.deepEqual(await ask('a', 'dead', 'list'), [])
    await stopped(service)
  })

  test('can be discarded while nothing runs; those behind it go on', async () => {
    const first = await running('b')
    await terminal.publish('b', 'poison', 'Ada', 'poison')
    await first.fact({ kind: 'dead' })
    await stopped(first)
    assert.deepEqual(await ask('b', 'dead', 'discard', '--all'), { discarded: 1 })
    const second = await running('b')
    assert.deepEqual(await greeted('b', 1), ['Ada'])
    await second.fact({ kind: 'dead' })
    assert.deepEqual(await ask('b', 'dead', 'redrive', '--all'), { redriven: 1 })
    await second.fact({ kind: 'dead' }, 2)
    await stopped(second)
  })

  test('of a call that was sent names the call and who sent it, and is answered once it is handed back', async () => {
    const service = terminal.start('run', 'office', '--dir', 'letters', '--json', '--http', 'off')
    await service.fact({ kind: 'ready' })
    await terminal.publish('letters', 'poison', 'nobody')
    await service.fact({ kind: 'dead' }, 2)
    const letters = await ask<Record<string, unknown>[]>('letters', 'dead', 'list')
    const [request, reply] = ['bank/durable_calls', 'wages/paid'].map((name) =>
      letters.find(({ subscription }) => subscription === name),
    )
    const call = { call: 'bank.pay', sender: 'wages' }
    assert.deepEqual(
      [request?.durable, reply?.durable],
      [
        { part: 'request', ...call },
        { part: 'reply', ...call },
      ],
    )
    const { out: list } = await terminal.run(['dead', 'list', '--dir', 'letters'])
    assert.match(list, /bank\/durable_calls\tbank\.pay sent by wages\t/)
    assert.match(list, /wages\/paid\treply of bank\.pay\t/)
    const id = String(request?.id)
    const { out: text } = await terminal.run(['dead', 'show', id, '--dir', 'letters'])
    assert.match(text, /^call: bank\.pay, sent by wages with the data as its input; redriven it is answered/m)
    assert.match(text, /"data": \{\s+"name": "poison"/)
    const { out: other } = await terminal.run(['dead', 'show', String(reply?.id), '--dir', 'letters'])
    assert.match(other, /^reply: what a call of bank\.pay came to, which wages sent$/m)

    assert.equal((await terminal.run(['dead', 'edit', id, '--data', '{"name":"Grace"}', '--dir', 'letters'])).exit, 0)
    assert.deepEqual(await ask('letters', 'dead', 'redrive', id), { redriven: 1 })
    // Both requests, and what the reply came to.
    const { out } = await terminal.run(['tail', 'wages', '--dir', 'letters', '--follow', '--limit', '3'])
    assert.match(out.trim().split('\n').at(-1) ?? '', /wages\.told.*"name":"paid Grace"/)
    await stopped(service)
  })

  test('that is not there changes nothing', async () => {
    const { exit, err } = await terminal.run(['dead', 'redrive', 'abc', '--dir', 'b'])
    assert.deepEqual([exit, err], [1, 'skerry: not_found: no dead letter abc; see them with: skerry dead list\n'])
  })
})

describe('a subscription', () => {
  test('takes up nothing while it is paused, and goes on when it is resumed', async () => {
    const service = await running('c')
    await terminal.publish('c', 'Ada')
    await greeted('c', 1)
    assert.deepEqual(await ask('c', 'pause', 'greeter/hello'), { subscription: 'greeter/hello', paused: true })
    await stopped(service)
    const again = await running('c')
    await terminal.publish('c', 'Grace')
    const { services } = await ask<Status>('c', 'status')
    assert.deepEqual([services[0]?.subscriptions[0]?.paused, services[0]?.subscriptions[0]?.handled], [true, 1])
    await ask('c', 'resume', 'greeter/hello')
    assert.deepEqual(await greeted('c', 2), ['Ada', 'Grace'])
    await stopped(again)
  })

  test('that nobody knows is told with the nearest', async () => {
    const { exit, err } = await terminal.run(['pause', 'greeter/helo', '--dir', 'c'])
    assert.equal(exit, 1)
    assert.match(err, /^skerry: not_found: no subscription 'greeter\/helo'; the nearest is 'greeter\/hello'/)
  })

  test('is forgotten when it does not run, and somebody says yes', async () => {
    const service = await running('c')
    const list = await ask<Record<string, unknown>[]>('c', 'subscriptions', 'list')
    assert.equal(list.length, 1)
    assert.deepEqual(
      [list[0]?.subscription, list[0]?.from, list[0]?.processes, list[0]?.registered],
      ['greeter/hello', 'start', 1, true],
    )
    const forget = (...more: string[]) =>
      terminal.run(['subscriptions', 'forget', 'greeter/hello', '--dir', 'c', ...more])
    const refused = await forget('--yes')
    assert.equal(refused.exit, 1)
    assert.match(refused.err, new RegExp(`subscription_taken: greeter/hello runs in process ${service.child.pid};`))
    await stopped(service)
    assert.match((await forget()).err, /would lose its position.*--yes/)
    assert.equal((await forget('--yes')).exit, 0)
    assert.deepEqual(await ask('c', 'subscriptions', 'list'), [])
    assert.equal((await forget('--yes')).exit, 1)
  })
})

describe('status', () => {
  test('has every figure, in JSON', async () => {
    const service = await running('d')
    await terminal.publish('d', 'Ada', 'poison', 'Grace')
    await service.fact({ kind: 'dead' })
    const during = await ask<Status>('d', 'status')
    const [greeterStatus] = during.services
    const processes = greeterStatus?.processes as Record<string, unknown>[]
    assert.deepEqual([processes.length, processes[0]?.pid], [1, service.child.pid])
    assert.deepEqual(during.bus.writer, { pid: service.child.pid, answering: true })
    await stopped(service)

    const { bus, services } = await ask<Status>('d', 'status')
    assert.equal(bus.writer, null)
    assert.deepEqual(
      bus.streams.map((s) => [s.stream, s.events]),
      [
        ['greeter', 1],
        ['people', 3],
      ],
    )
    assert.ok(Number(bus.diskBytes) > 0)
    assert.equal(services.length, 1)
    const { subscriptions, diskBytes, identity, ...rest } = services[0] ?? assert.fail()
    assert.deepEqual(rest, { service: 'greeter', outbox: 0, processes: [], conflicts: [], sources: [] })
    assert.ok(Number(diskBytes) > 0 && String(identity).length === 32)
    const { streams, ...figures } = subscriptions[0] ?? assert.fail()
    assert.deepEqual(
      (streams as { stream: string; lag: number }[]).map(({ stream, lag }) => [stream, lag]),
      [['people', 0]],
    )
    assert.deepEqual(figures, {
      ...{ subscription: 'greeter/hello', from: 'start', order: 'key', paused: false, circuit: 'closed', processes: 0 },
      ...{ lag: 0, listened: 2, inFlight: 0, handled: 1, expired: 0, cancelled: 0, retrying: 0, delayed: 0 },
      ...{ unknownVersions: 0, waitingKeys: 0, parkedKeys: 1, deadLetters: 1 },
    })
  })

  test('is a table of tabs in a pipe, without colours', async () => {
    const { out } = await terminal.run(['status', '--dir', 'd'])
    assert.match(out, /^bus sqlite: no process at work, /)
    assert.match(out, /\ngreeter: not running, /)
    assert.match(out, /\ngreeter\/hello\tstopped\t0\t2\t0\t1\t0\t0\t0\t1\t0\t1\n/)
    assert.ok(!out.includes('\x1b'))
  })

  test('shows what can be seen when a file is broken, and fails', async () => {
    await terminal.write('d/broken.db', 'no database'.repeat(1000))
    const { exit, out } = await terminal.run(['status', '--dir', 'd', '--json'])
    assert.equal(exit, 1)
    const { services } = JSON.parse(out) as { services: { service: string; error?: { code: string } }[] }
    assert.deepEqual(
      services.map((one) => [one.service, one.error?.code]),
      [
        ['broken', 'not_a_database'],
        ['greeter', undefined],
      ],
    )
  })

  test('counts what waits for a version that nobody knows', async () => {
    const service = await running('e')
    await terminal.run(['publish', '--dir', 'e'], personArrived('1', { name: 'Ada' }).replace('.v1', '.v9'))
    await terminal.run(['publish', '--dir', 'e'], personArrived('2', { name: 'Grace' }).replace('"p"', '"q"'))
    assert.deepEqual(await greeted('e', 1), ['Grace'])
    await stopped(service)
    const { services } = await ask<Status>('e', 'status')
    assert.equal(services[0]?.subscriptions[0]?.unknownVersions, 1)
  })
})
