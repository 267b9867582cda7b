import { setPaused, subscriptionNames } from '../flow/subscriptions.ts'
import type { Command, Invocation } from './command.ts'
import { exits, missing } from './failure.ts'
import { atSite, type Site } from './site.ts'

const one = { options: {}, takes: [1, 1] } as const

export const pause: Command = {
  name: 'pause',
  usage: 'pause SUBSCRIPTION',
  summary: 'let a subscription take up no more events, in all processes, until it is resumed',
  ...one,
  run: (invocation) => change(invocation, true),
}

export const resume: Command = {
  name: 'resume',
  usage: 'resume SUBSCRIPTION',
  summary: 'let a paused subscription go on',
  ...one,
  run: (invocation) => change(invocation, false),
}

async function change({ positionals, engine, out }: Invocation, paused: boolean): Promise<number> {
  const subscription = positionals[0] ?? ''
  return atSite(engine, async (site) => {
    const service = await serviceOf(site, subscription)
    const store = await site.store(service)
    await store.write((tx) => setPaused(tx, subscription, paused), 'bookkeeping')
    await site.nudge(service)
    if (out.json) await out.data({ subscription, paused })
    else await out.line(`${subscription} ${paused ? 'is paused' : 'goes on'}`)
    return exits.fine
  })
}

/** The service whose store knows a subscription. Throws `not_found` naming the nearest one. */
export async function serviceOf(site: Site, subscription: string): Promise<string> {
  const all: string[] = []
  for (const service of await site.services()) {
    const names = await (await site.store(service)).read(subscriptionNames)
    if (names.includes(subscription)) return service
    all.push(...names)
  }
  throw missing('subscription', subscription, all, 'See them with: skerry subscriptions list')
}
