import type { BusStatus, ReaderStatus } from '../bus/bus.ts'
import { codeOf, SkerryError } from '../errors.ts'
import { lagOf, type SubscriptionStatus, storeStatus } from '../flow/status.ts'
import { forgetSubscription } from '../flow/subscriptions.ts'
import type { Command, Invocation } from './command.ts'
import { exits, missing } from './failure.ts'
import { atSite, type Site } from './site.ts'

export const list: Command = {
  name: 'subscriptions list',
  usage: 'subscriptions list',
  summary: 'show who reads what, and what the bus keeps for them',
  options: {},
  takes: [0, 0],
  run: runList,
}

export const forget: Command = {
  name: 'subscriptions forget',
  usage: 'subscriptions forget SUBSCRIPTION --yes',
  summary: 'remove an abandoned subscription, with its position and its dead letters',
  details: 'A subscription that runs is refused: stop its service, or take it out of the code, first.',
  options: { yes: { type: 'boolean', help: 'do it; without this, it only says what would be lost' } },
  takes: [1, 1],
  run: runForget,
}

/** A subscription as the bus and as its store know it; one of them may have lost it. */
interface Known {
  readonly subscription: string
  readonly service: string | undefined
  readonly inStore: SubscriptionStatus | undefined
  readonly onBus: ReaderStatus | undefined
}

async function know(site: Site): Promise<{ known: Known[]; bus: BusStatus }> {
  const bus = await (await site.bus()).status()
  const found = new Map<string, Known>()
  for (const service of await site.services()) {
    const store = await site.store(service)
    const moment = await site.moment(store)
    const { subscriptions } = await store.read((tx) => storeStatus(tx, moment))
    for (const inStore of subscriptions) {
      const onBus = bus.readers.find((r) => r.subscription === inStore.subscription && r.store === store.identity)
      found.set(inStore.subscription, { subscription: inStore.subscription, service, inStore, onBus })
    }
  }
  for (const onBus of bus.readers) {
    const before = found.get(onBus.subscription)
    if (before?.onBus) continue
    found.set(onBus.subscription, {
      subscription: onBus.subscription,
      service: before?.service,
      inStore: before?.inStore,
      onBus,
    })
  }
  return { known: [...found.values()].sort((a, b) => (a.subscription < b.subscription ? -1 : 1)), bus }
}

async function runList({ engine, out }: Invocation): Promise<number> {
  return atSite(engine, async (site) => {
    const { known, bus } = await know(site)
    const rows = known.map(({ subscription, service, inStore, onBus }) => ({
      subscription,
      service: service ?? null,
      from: inStore?.from ?? null,
      order: inStore?.order ?? null,
      paused: inStore?.paused ?? false,
      processes: inStore?.processes ?? 0,
      registered: onBus !== undefined,
      marks: onBus?.marks ?? {},
      keeps: Object.entries(onBus?.marks ?? {}).reduce(
        (sum, [stream, mark]) =>
          sum +
          lagOf(
            mark,
            bus.streams.find((s) => s.stream === stream),
          ),
        0,
      ),
    }))
    if (out.json) await out.data(rows)
    else
      await out.table(
        ['subscription', 'from', 'order', 'processes', 'keeps events', 'state'],
        rows.map((r) => [r.subscription, r.from ?? '', r.order ?? '', r.processes, r.keeps, stateOf(r)]),
      )
    return exits.fine
  })
}

function stateOf(row: { service: string | null; paused: boolean; processes: number; registered: boolean }): string {
  if (row.service === null) return 'abandoned: it has no store here'
  if (!row.registered) return 'unknown to the bus'
  if (row.paused) return 'paused'
  return row.processes > 0 ? 'running' : 'stopped'
}

async function runForget({ positionals, values, engine, out }: Invocation): Promise<number> {
  const subscription = positionals[0] ?? ''
  return atSite(engine, async (site) => {
    const { known } = await know(site)
    const one = known.find((k) => k.subscription === subscription)
    if (!one) {
      const names = known.map((k) => k.subscription)
      throw missing('subscription', subscription, names, 'See them with: skerry subscriptions list')
    }
    await refuseRunning(site, one)
    if (values.yes !== true) throw new SkerryError('invalid_config', `${losses(one)}; to do it, add --yes`)
    // The store first: what is only on the bus can be forgotten again.
    if (one.service !== undefined && one.inStore)
      await (await site.store(one.service)).write((tx) => forgetSubscription(tx, subscription), 'bookkeeping')
    if (one.onBus) await forgetOnBus(site, subscription)
    if (out.json) await out.data({ subscription, forgotten: true })
    else await out.line(`${subscription} is forgotten`)
    return exits.fine
  })
}

function losses({ subscription, inStore }: Known): string {
  const dead = inStore?.deadLetters ? ` and ${inStore.deadLetters} dead letters` : ''
  return `${subscription} would lose its position${dead}: under the same name it would start over`
}

async function refuseRunning(site: Site, { subscription, service }: Known): Promise<void> {
  if (service === undefined) return
  const all = await site.processes(service)
  const pids = all.filter((one) => one.serves.includes(subscription)).map((one) => one.pid)
  if (pids.length > 0)
    throw new SkerryError(
      'subscription_taken',
      `${subscription} runs in process ${pids.join(', ')}; stop its service first, or take it out of the code`,
    )
}

async function forgetOnBus(site: Site, subscription: string): Promise<void> {
  try {
    await (await site.bus()).forget(subscription)
  } catch (error) {
    if (codeOf(error) !== 'not_found') throw error
  }
}
