/** A client: it sends at its times, whatever became of what it sent before, and says how each request fared. */
import { type Random, seededRandom } from '../../src/ids.ts'
import { MeshClient, type MeshClientOptions } from '../../src/mesh/client/client.ts'
import { StaticDiscovery } from '../../src/mesh/discovery/static.ts'
import { HttpTransport } from '../../src/mesh/http/transport.ts'
import { defaultCallRetry } from '../../src/mesh/resilience/retry.ts'
import { defaultRetryBudget } from '../../src/mesh/resilience/retry-budget.ts'
import { defaultSettings } from '../../src/mesh/routing/settings.ts'
import type { Target } from '../../src/mesh/transport.ts'
import { systemClock } from '../../src/time.ts'
import { nowUs } from '../clock.ts'
import { heard, say } from '../second.ts'
import { phases } from './slow-host-phases.ts'

export interface Told {
  readonly ports: readonly number[]
  /** How long what is called a second takes, in seconds. */
  readonly unit: number
  readonly perSecond: number
  readonly balancing: string
  readonly seed: string
}

interface Sent {
  /** When it was due, in seconds from the start. */
  readonly dueS: number
  readonly ok: boolean
  /** From when it was due. */
  readonly ms: number
}

export interface Said {
  readonly sent: readonly Sent[]
  /** Never answered nor refused. */
  readonly unsettled: number
  /** Requests beyond the first ones while everybody failed, and how many of them the budget has room for. */
  readonly retries: number
  readonly budget: number
}

const timeoutMs = 5_000
/** The window of the budget, in seconds: so much of its floor is there at the beginning. */
const window = 10

export async function runClient(told: Told): Promise<void> {
  const caller = callerOf(told)
  // Connecting and looking up come before.
  for (const _ of told.ports) await caller.ask(false)
  say('ready')
  // When all begin, in microseconds of `nowUs`.
  const startUs = await heard<number>()
  const sent: Sent[] = []
  const [retrying, endS] = [phases.allFailing[0] * told.unit, phases.end * told.unit]
  let [running, late, tries] = [0, 0, 0]
  await paced(startUs, told.perSecond, endS, (dueS) => {
    running++
    const ended = (ok: boolean): void => {
      running--
      sent.push({ dueS, ok, ms: (nowUs() - startUs) / 1_000 - dueS * 1_000 })
    }
    const retries = dueS >= retrying
    if (retries) late++
    caller.ask(retries).then(
      ({ status, sentTo }) => {
        if (retries) tries += sentTo
        ended(status === 200)
      },
      () => {
        if (retries) tries++
        ended(false)
      },
    )
  })
  await new Promise((resolve) => setTimeout(resolve, timeoutMs + 1_000))
  const { share, floorPerSecond } = defaultRetryBudget
  const budget = caller.retries ? share * late + floorPerSecond * Math.max(window, endS - retrying) : 0
  say({ sent, unsettled: running, retries: Math.max(0, tries - late), budget } satisfies Said)
  // Who ends at once takes with it what has not been sent yet.
  await heard()
  await caller.close()
}

/** Calls `send` when each request is due; a loop that comes late sends what it has missed. */
async function paced(startUs: number, perSecond: number, endS: number, send: (dueS: number) => void): Promise<void> {
  let next = 0
  await new Promise<void>((resolve) => {
    const timer = setInterval(() => {
      for (; startUs + (next / perSecond) * 1e6 <= nowUs(); next++) {
        if (next / perSecond < endS) send(next / perSecond)
        else {
          clearInterval(timer)
          return resolve()
        }
      }
    }, 2)
  })
}

interface Caller {
  readonly retries: boolean
  /** `sentTo`: how many instances it was sent to, one after the other. */
  ask(retrying: boolean): Promise<{ readonly status: number; readonly sentTo: number }>
  close(): Promise<unknown>
}

function callerOf(told: Told): Caller {
  const random = seededRandom(told.seed)
  return told.balancing === 'in flight' ? fewestInFlight(told, random) : meshOf(told, random)
}

function meshOf({ ports, balancing }: Told, random: Random): Caller {
  const kind = balancing === 'round robin' ? ('round_robin' as const) : ('least_request' as const)
  const common = (): MeshClientOptions => ({
    discovery: new StaticDiscovery({ echo: ports.map((port) => `http://127.0.0.1:${port}`) }),
    transport: new HttpTransport(),
    ...{ clock: systemClock, random },
  })
  const settings = { ...defaultSettings, balancing: { kind } }
  const policy = (retries: number) => new Map([['echo', { settings, retry: { ...defaultCallRetry, retries } }]])
  const once = new MeshClient({ ...common(), policies: policy(0) })
  const again = new MeshClient({ ...common(), policies: policy(defaultCallRetry.retries) })
  return {
    retries: true,
    async ask(retrying) {
      const request = { service: 'echo', method: 'GET', path: '/', idempotent: true, timeoutMs }
      const { status, tries } = await (retrying ? again : once).request(request)
      return { status, sentTo: tries }
    },
    close: () => Promise.all([once.close(), again.close()]),
  }
}

/** What is usually meant by "least loaded": of all instances the one with the fewest requests in flight, any of several. */
function fewestInFlight({ ports }: Told, random: Random): Caller {
  const transport = new HttpTransport()
  const targets = ports.map((port) => ({ id: String(port), address: `http://127.0.0.1:${port}`, running: 0 }))
  const choose = (): Target & { running: number } => {
    const least = Math.min(...targets.map(({ running }) => running))
    const all = targets.filter(({ running }) => running === least)
    return all[Math.floor(random() * all.length)] as (typeof targets)[number]
  }
  return {
    retries: false,
    async ask() {
      const target = choose()
      target.running++
      try {
        const request = { method: 'GET', path: '/', headers: {}, body: new Uint8Array() }
        const { status } = await transport.send(target, request, AbortSignal.timeout(timeoutMs))
        return { status, sentTo: 1 }
      } finally {
        target.running--
      }
    },
    close: () => transport.close(),
  }
}
