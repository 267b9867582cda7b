import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { type App, type Clock, contract, type Service, type StartOptions, service, start, systemClock } from 'skerry'
import type { RetailLine } from './retail/contract.ts'

// biome-ignore lint/suspicious/noExplicitAny: services of any contract
type AnyService = Service<any>
/** An event type of any contract, as a spy takes it. */
type Heard = Parameters<ReturnType<Service['subscribe']>['on']>[0]

/** Services on files of their own, stopped and removed after the test. */
export async function openForTest(t: TestContext, services: AnyService[], options: StartOptions = {}): Promise<App> {
  const dir = mkdtempSync(join(tmpdir(), 'shop-test-'))
  const app = await start(services, { durability: 'normal', ...options, dir })
  t.after(async () => {
    await app.stop()
    rmSync(dir, { recursive: true })
  })
  return app
}

/** A service that hears the given events and writes down what they say. */
export function spyOn(...types: Heard[]): { readonly service: AnyService; readonly heard: unknown[] } {
  const heard: unknown[] = []
  const spy = service(contract('spy', { events: {} }))
  const subscription = spy.subscribe('spy', { from: 'start' })
  for (const type of types) subscription.on(type, (_tx, event) => void heard.push(event.data))
  return { service: spy, heard }
}

/** The machine's clock, but for the time of day, which the test sets. */
export class SetClock implements Clock {
  #wall = Date.parse('2010-12-01T08:26:00Z')

  set(time: string): void {
    this.#wall = Date.parse(`2010-12-01T${time}Z`)
  }

  wall = (): number => this.#wall
  monotonic = systemClock.monotonic
  after = systemClock.after
}

/** A row of the file, with what a test does not care about filled in. */
export function retailLine(row: number, given: Partial<RetailLine> = {}): RetailLine {
  return {
    ...{ row, invoice: '536365', stockCode: '85123A', description: 'LANTERN', quantity: 6, unitPrice: 2550 },
    ...{ at: '2010-12-01 08:26:00', customer: '17850', country: 'United Kingdom' },
    ...given,
  }
}

/** For comparing what was heard, when the order in which it was heard promises nothing. */
export function inAnyOrder(values: readonly unknown[]): unknown[] {
  const text = (value: unknown) => JSON.stringify(value)
  return values.toSorted((a, b) => (text(a) < text(b) ? -1 : 1))
}

/** Every order in which a few things can come. */
export function permutations<T>(things: readonly T[]): T[][] {
  if (things.length <= 1) return [[...things]]
  return things.flatMap((first, at) => permutations(things.toSpliced(at, 1)).map((rest) => [first, ...rest]))
}
