import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { service as declare } from '../../service.ts'
import { pause, systemClock } from '../../time.ts'
import type { MakeFlowFixture } from './fixture.ts'
import { type House, inHouse, upTo } from './house.ts'
import { Ear, ear, effects, listener, record, Town, type Word } from './words.ts'

const byValue = (a: number, b: number): number => a - b

/** Processes that die in the middle: real ones. */
export function crashing(make: MakeFlowFixture): void {
  for (const { order, where, note } of [
    { order: 'none', where: 'handle', note: 'kill' },
    { order: 'none', where: 'prepare', note: 'kill' },
    { order: 'key', where: 'handle', note: 'exit' },
  ] as const)
    test(`Group commit: an event that ends its process (${note}) in ${where}, order ${order}, is parked after three crashes alone, its neighbours handled once`, () =>
      inHouse(make, async (house) => {
        const words = upTo(60).map((n): Word => ({ n, key: `key ${n % 10}`, ...(n === 30 && { note }) }))
        await saidBefore(house, order, words)
        const deaths = await untilSettled(house, order, where)
        assert.equal(deaths, 4, 'once among others, three times alone')
        await checkOnce(
          house,
          upTo(60).filter((n) => n !== 30 && !(order === 'key' && n > 30 && n % 10 === 0)),
        )
        const [letter] = await house.dead(service)
        assert.equal(letter?.code, 'crashed')
        assert.equal(JSON.parse(letter?.record.data ?? '{}').n, 30)
        assert.equal((await house.dead(service)).length, 1)
      }))

  test('Exactly-once effects: processes killed at any moment leave every effect once', () =>
    inHouse(make, async (house) => {
      await saidBefore(
        house,
        'key',
        upTo(3000).map((n) => ({ n, key: `key ${n % 50}` })),
      )
      for (const afterMs of [0, 10, 40]) {
        const child = new Elsewhere(house, 'key', 'handle')
        await child.says('started')
        await pause(systemClock, afterMs)
        await child.kill()
      }
      assert.equal(await untilSettled(house, 'key', 'handle'), 0)
      await checkOnce(house, upTo(3000))
      assert.deepEqual(await house.dead(service), [])
    }))

  test('Exactly-once effects: a process that dies while another one serves beside it is taken over from', () =>
    inHouse(make, async (house) => {
      const child = new Elsewhere(house, 'key', 'handle')
      await child.says('started')
      const app = await house.open([beside()])
      await house.shared(service, 2)
      const words = upTo(500).map((n): Word => ({ n, key: `key ${n % 50}`, ...(n === 250 && { note: 'wait' }) }))
      await house.say(app, words)
      await child.kill()
      await house.settled(app)
      await checkOnce(house, upTo(500))
    }))

  test('ctx.once: a process that dies between the act and its result acts again under the same key', () =>
    inHouse(make, async (house) => {
      await saidBefore(house, 'none', [
        { n: 1, key: 'k' },
        { n: 2, key: 'l', note: 'kill after' },
      ])
      const acts: string[] = []
      const first = new Elsewhere(house, 'none', 'once')
      await first.gone
      acts.push(...first.said)
      const app = await house.open([charging(acts)])
      await house.settled(app)
      const keys = acts.filter((line) => line.startsWith('act '))
      assert.equal(new Set(keys).size, 2)
      assert.ok(keys.length >= 3, 'the one in doubt was acted again')
      assert.deepEqual((await house.numbers(service)).sort(byValue), [1, 2])
    }))
}

/** As the child's, without its deaths. */
function beside() {
  const own = ear()
  own.subscribe('ears', { from: 'start', order: 'key' }).on(Town.said, async (tx, event) => {
    await record(tx, event)
    await tx.publish(Ear.heard, event.data)
  })
  return own
}

function charging(acts: string[]) {
  const own = ear()
  own.on(Town.said, {
    ...{ name: 'ears', from: 'start' },
    prepare: (ctx) => ctx.once('act', async (key) => void acts.push(`act ${key}`)),
    handle: record,
  })
  return own
}

const service = declare(Ear, { migrations: [effects] })

async function saidBefore(house: House, order: 'none' | 'key', words: readonly Word[]): Promise<void> {
  await house.introduce(listener({ order }, record))
  const outside = await house.open([])
  await house.say(outside, words)
  await house.stop(outside)
}

/** Starts the service again and again until it settles; how many times it died. */
async function untilSettled(house: House, order: string, where: string): Promise<number> {
  for (let deaths = 0; deaths < 10; deaths++) {
    const child = new Elsewhere(house, order, where)
    if (await child.says('settled')) {
      await child.end()
      return deaths
    }
  }
  return assert.fail('it died ten times')
}

/** Every effect in the store, and every event on the bus, once. */
async function checkOnce(house: House, expected: number[]): Promise<void> {
  assert.deepEqual((await house.numbers(service)).sort(byValue), expected)
  const emitted: number[] = []
  await house.onLog(async (bus) => {
    for (let at = 0; ; ) {
      const chunk = await bus.read('ear', at, { events: 1000, bytes: 1e7 })
      if (chunk.events.length === 0) return
      for (const { record } of chunk.events) emitted.push(JSON.parse(record.data).n)
      at = chunk.next
    }
  })
  assert.deepEqual(emitted.sort(byValue), expected)
}

/** A child process that serves on the fixture's pair. */
class Elsewhere {
  readonly process: ChildProcess
  /** What it said so far. */
  readonly said: string[] = []
  readonly gone: Promise<unknown>
  readonly #closed: Promise<unknown>
  #heard: () => void = () => {}

  constructor(house: House, order: string, where: string) {
    const program = fileURLToPath(import.meta.url).replace(/crashing(\.\w+)$/, 'child$1')
    const { module, location } = house.fixture.elsewhere
    this.process = spawn(process.execPath, ['--no-warnings', program, module, location, order, where], {
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    const lines = createInterface({ input: this.process.stdout as NodeJS.ReadableStream })
    lines.on('line', (line) => {
      this.said.push(line)
      this.#heard()
    })
    this.#closed = once(lines, 'close')
    this.gone = Promise.all([once(this.process, 'exit'), this.#closed])
  }

  /** Waits for a line; false when the process ended without it. */
  async says(line: string): Promise<boolean> {
    let over = false
    void this.#closed.then(() => {
      over = true
      this.#heard()
    })
    while (!this.said.includes(line) && !over)
      await new Promise<void>((resolve) => {
        this.#heard = resolve
      })
    return this.said.includes(line)
  }

  async kill(): Promise<void> {
    this.process.kill('SIGKILL')
    await this.gone
  }

  async end(): Promise<void> {
    this.process.stdin?.end()
    await this.gone
  }
}
