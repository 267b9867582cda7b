import { readFileSync } from 'node:fs'
import { text as readAll } from 'node:stream/consumers'
import { toStructured } from '../cloudevents.ts'
import { codeOf, messageOf, SkerryError } from '../errors.ts'
import { type Carried, carriedBy } from '../flow/carried.ts'
import { type DeadLetter, discardDead, editDead, listDead, redriveDead, showDead } from '../flow/deadletter.ts'
import { deadIds } from '../flow/subscriptions.ts'
import type { Store, StoreTx } from '../store/store.ts'
import { wholeNumber } from './arguments.ts'
import { type Command, type Invocation, many } from './command.ts'
import { exits, UsageError } from './failure.ts'
import type { Output } from './output.ts'
import { atSite, type Site } from './site.ts'

const sortedOut = { all: { type: 'boolean', help: 'all that there are' } } as const

export const deadCommands: readonly Command[] = [
  {
    name: 'dead list',
    usage: 'dead list [--limit N]',
    summary: 'show events whose handlers gave up, oldest first',
    options: { limit: { type: 'string', value: 'N', help: 'at most so many of each service (default 100)' } },
    takes: [0, 0],
    run: runList,
  },
  {
    name: 'dead show',
    usage: 'dead show ID',
    summary: 'show one with all its tries, and the event itself',
    options: {},
    takes: [1, 1],
    run: runShow,
  },
  {
    name: 'dead edit',
    usage: 'dead edit ID --data JSON|-|@FILE',
    summary: "repair the event's data; it stays dead until it is redriven",
    options: {
      data: { type: 'string', value: 'JSON', help: 'the new data; - reads it from the input, @FILE from a file' },
    },
    takes: [1, 1],
    run: runEdit,
  },
  {
    name: 'dead redrive',
    usage: 'dead redrive ID…|--all',
    summary: 'hand events back to their subscriptions, with fresh attempts',
    options: sortedOut,
    takes: [0, many],
    run: (invocation) => settleDead(invocation, 'redriven', redriveDead),
  },
  {
    name: 'dead discard',
    usage: 'dead discard ID…|--all',
    summary: 'give events up; those that wait behind them go on',
    options: sortedOut,
    takes: [0, many],
    run: (invocation) => settleDead(invocation, 'discarded', discardDead),
  },
]

async function runList({ values, engine, out }: Invocation): Promise<number> {
  const limit = wholeNumber(values, 'limit', 1) ?? 100
  return atSite(engine, async (site) => {
    const found: DeadLetter[] = []
    let more = false
    for (const service of await site.services()) {
      const some = await (await site.store(service)).read((tx) => listDead(tx, limit + 1))
      more ||= some.length > limit
      found.push(...some.slice(0, limit))
    }
    if (out.json) await out.data(found.map(summaryOf))
    else
      await out.table(
        ['id', 'when', 'subscription', 'event', 'key', 'tries', 'why'],
        found.map((d) => [
          ...[d.id, when(d.at), d.subscription, nameOf(d), d.key, d.attempts],
          oneLine(`${d.code}: ${d.message}`),
        ]),
      )
    if (more) out.note(`skerry: there are more; see them with --limit ${limit * 10}`)
    return exits.fine
  })
}

async function runShow({ positionals, engine, app, out }: Invocation): Promise<number> {
  return atSite(engine, async (site) => {
    const { dead } = await find(site, positionals[0] ?? '')
    if (out.json) await out.data({ ...summaryOf(dead), history: dead.history, event: eventOf(dead, app) })
    else await show(dead, app, out)
    return exits.fine
  })
}

async function show(dead: DeadLetter, app: string, out: Output): Promise<void> {
  await out.line(`dead letter ${out.style('bold', dead.id)} of ${dead.subscription}, ${when(dead.at)}`)
  await out.line(`why: ${dead.code}: ${dead.message}`)
  const carried = carriedOf(dead)
  if (carried) await out.line(told(carried))
  await out.line(`event: ${dead.stream} at ${dead.position}, key '${dead.key}'`)
  await out.line(`tries: ${dead.attempts} charged`)
  for (const [i, attempt] of dead.history.entries()) {
    const free = attempt.charged ? '' : ' (not charged)'
    await out.line(`  ${i + 1}. ${when(attempt.at)} ${attempt.code}: ${oneLine(attempt.message)}${free}`)
  }
  const event = eventOf(dead, app)
  await out.line(typeof event === 'string' ? event : JSON.stringify(event, undefined, 2))
}

async function runEdit({ positionals, values, engine, out }: Invocation): Promise<number> {
  if (values.data === undefined) throw new UsageError('skerry dead edit needs the new data: --data JSON, or --data -')
  const data = await readData(String(values.data))
  return atSite(engine, async (site) => {
    const { store, dead } = await find(site, positionals[0] ?? '')
    await store.write((tx) => editDead(tx, dead.id, data), 'bookkeeping')
    if (out.json) await out.data({ id: dead.id, edited: true })
    else await out.line(`${dead.id} is edited; hand it back with: skerry dead redrive ${dead.id}`)
    return exits.fine
  })
}

async function readData(given: string): Promise<string> {
  if (given === '-') return readAll(process.stdin)
  if (!given.startsWith('@')) return given
  try {
    return readFileSync(given.slice(1), 'utf8')
  } catch (cause) {
    throw new SkerryError('not_found', `${given.slice(1)} cannot be read: ${messageOf(cause)}`, { cause })
  }
}

/** Most dead letters in one transaction: services go on between two. */
const atOnce = 100

type Settle = (tx: StoreTx, id: string) => Promise<void>

async function settleDead(
  { positionals, values, engine, out }: Invocation,
  done: string,
  settle: Settle,
): Promise<number> {
  const all = values.all === true
  if (all === positionals.length > 0) throw new UsageError(`name the dead letters, or say --all: dead list shows them`)
  return atSite(engine, async (site) => {
    const count = all ? await settleAll(site, settle, out) : await settleNamed(site, positionals, settle)
    if (out.json) await out.data({ [done]: count })
    else await out.line(`${count} ${done}`)
    return exits.fine
  })
}

async function settleNamed(site: Site, ids: readonly string[], settle: Settle): Promise<number> {
  const unique = [...new Set(ids)]
  // All are looked up before any is changed: a mistyped one changes nothing.
  const found = await Promise.all(unique.map((id) => find(site, id)))
  for (const { store, service, dead } of found) {
    await store.write((tx) => settle(tx, dead.id), 'bookkeeping')
    await site.nudge(service)
  }
  return unique.length
}

async function settleAll(site: Site, settle: Settle, out: Output): Promise<number> {
  let count = 0
  for (const service of await site.services()) {
    const store = await site.store(service)
    // What dies again meanwhile is not taken up again.
    const ids = await store.read(deadIds)
    for (let i = 0; i < ids.length; i += atOnce) {
      count += await store.write((tx) => settleSome(tx, ids.slice(i, i + atOnce), settle), 'bookkeeping')
      out.progress(service, Math.min(ids.length, i + atOnce), ids.length)
    }
    if (ids.length > 0) await site.nudge(service)
  }
  out.clear()
  return count
}

async function settleSome(tx: StoreTx, ids: readonly string[], settle: Settle): Promise<number> {
  let count = 0
  for (const id of ids) {
    try {
      await settle(tx, id)
      count++
    } catch (error) {
      // Somebody else was quicker.
      if (codeOf(error) !== 'not_found') throw error
    }
  }
  return count
}

interface Found {
  readonly service: string
  readonly store: Store
  readonly dead: DeadLetter
}

async function find(site: Site, id: string): Promise<Found> {
  let reason: unknown = new SkerryError('not_found', `no dead letter ${id}; see them with: skerry dead list`)
  for (const service of await site.services()) {
    const store = await site.store(service)
    try {
      return { service, store, dead: await store.read((tx) => showDead(tx, id)) }
    } catch (error) {
      if (codeOf(error) !== 'not_found') throw error
      reason = error
    }
  }
  throw reason
}

function summaryOf(dead: DeadLetter) {
  const { record: _, history: __, at, ...rest } = dead
  const carried = carriedOf(dead)
  return { ...rest, at: when(at), ...(carried && { durable: carried }) }
}

const carriedOf = ({ subscription, stream, type }: DeadLetter) => carriedBy(subscription, stream, type)

function nameOf(dead: DeadLetter): string {
  const carried = carriedOf(dead)
  if (!carried) return `${dead.stream}.${dead.type}`
  return carried.part === 'request' ? `${carried.call} sent by ${carried.sender}` : `reply of ${carried.call}`
}

function told({ part, call, sender }: Carried): string {
  return part === 'request'
    ? `call: ${call}, sent by ${sender} with the data as its input; redriven it is answered, discarded it never is`
    : `reply: what a call of ${call} came to, which ${sender} sent`
}

/** The event as a CloudEvent; why it is none, for one that is broken. */
function eventOf(dead: DeadLetter, app: string): unknown {
  try {
    return JSON.parse(toStructured(dead, app))
  } catch (error) {
    return `no CloudEvent (${messageOf(error)}): ${JSON.stringify(dead.record)}`
  }
}

const when = (ms: number): string => new Date(ms).toISOString()
const oneLine = (text: string): string => text.replaceAll(/\s+/g, ' ')
