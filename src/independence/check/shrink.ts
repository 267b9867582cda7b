import type { AnyEvent } from '../../contract.ts'
import { type Delivery, defaultMaxEventBytes } from '../../event.ts'
import { isCarrier } from '../../flow/carried.ts'
import { compose } from '../../flow/compose.ts'
import { factOf } from './events.ts'
import { leavesOf } from './generate.ts'
import type { Action, Trial } from './trial.ts'

/** Tries of smaller trials, at most: a reader of a report waits for this. */
const mostTries = 250

/**
 * The smallest trial found that still fails: without steps that do not matter, and with the plainest data. Each one that is
 * kept has failed for real.
 */
export async function shrink<T>(
  trial: Trial,
  types: ReadonlyMap<string, AnyEvent>,
  fails: (trial: Trial) => Promise<T | undefined>,
): Promise<{ readonly trial: Trial; readonly failure: T } | undefined> {
  const failure = await fails(trial)
  if (failure === undefined) return undefined
  let best = { trial, failure }
  let tries = 0
  for (let improved = true; improved; ) {
    improved = false
    for (const smaller of smallerThan(best.trial, types)) {
      if (tellsTwice(smaller, types)) continue
      if (tries++ >= mostTries) return best
      const found = await fails(smaller)
      if (found === undefined) continue
      best = { trial: smaller, failure: found }
      improved = true
      break
    }
  }
  return best
}

/** What happens once must not be made to happen twice. */
function tellsTwice({ actions }: Trial, types: ReadonlyMap<string, AnyEvent>): boolean {
  const told = new Map<string, string>()
  for (const action of actions) {
    if (action.kind !== 'publish') continue
    const { stream, record } = action.delivery
    const type = types.get(`${stream}.${record.type}`)
    const fact = type && factOf(type, action.delivery)
    if (fact === undefined) continue
    if ((told.get(fact) ?? record.id) !== record.id) return true
    told.set(fact, record.id)
  }
  return false
}

/** Trials with one thing less, or with one plainer value; the greatest steps first. */
export function* smallerThan(trial: Trial, types: ReadonlyMap<string, AnyEvent>): Generator<Trial> {
  const { actions } = trial
  for (let size = Math.floor(actions.length / 2); size >= 1; size = Math.floor(size / 2))
    for (let at = 0; at + size <= actions.length; at++) {
      const left = actions.toSpliced(at, size)
      if (actions.slice(at, at + size).every((action) => !isNeeded(action, trial))) yield { ...trial, actions: left }
    }
  yield* renamed(trial, types)
  for (const [at, action] of actions.entries()) {
    if (action.kind !== 'publish') continue
    const type = types.get(`${action.delivery.stream}.${action.delivery.record.type}`)
    for (const data of plainer(JSON.parse(action.delivery.record.data))) {
      const delivery = type && withData(action.delivery, type, data)
      if (!delivery) continue
      // One event that is given to several has the same data for all of them.
      const changed = actions.map((other, i) =>
        i === at || (other.kind === 'publish' && other.delivery.record.id === delivery.record.id)
          ? { ...(other as Extract<Action, { kind: 'publish' }>), delivery }
          : other,
      )
      yield { ...trial, actions: changed }
    }
  }
}

/** One value replaced by a plainer one wherever it stands: what was about one thing stays about one thing. */
function* renamed(trial: Trial, types: ReadonlyMap<string, AnyEvent>): Generator<Trial> {
  const published = trial.actions.flatMap((action) => (action.kind === 'publish' ? [action.delivery] : []))
  const leaves = published.flatMap(({ record }) => [...leavesOf(JSON.parse(record.data)).values()].flat())
  const names = [...new Set(leaves.filter((leaf) => typeof leaf === 'string'))].sort()
  for (const [at, name] of names.entries()) {
    const to = String.fromCharCode(97 + at)
    if (at > 25 || name === to || names.includes(to)) continue
    const actions = trial.actions.map((action) => {
      const type = action.kind === 'publish' && types.get(`${action.delivery.stream}.${action.delivery.record.type}`)
      if (action.kind !== 'publish' || !type) return action
      const data: unknown = JSON.parse(action.delivery.record.data, (_field, value) => (value === name ? to : value))
      return { ...action, delivery: withData(action.delivery, type, data) ?? action.delivery }
    })
    yield { ...trial, actions }
  }
}

function isNeeded(action: Action, { a, b }: Trial): boolean {
  if (action.kind === 'deliver') return false
  const { stream, record } = action.delivery
  return [a, b].some((name) => name.endsWith(` ${stream} ${record.id}`))
}

function withData(delivery: Delivery, type: AnyEvent, data: unknown): Delivery | undefined {
  const { record } = delivery
  try {
    const made = compose(type, data, undefined, { id: record.id, now: record.time, maxBytes: defaultMaxEventBytes })
    const key = isCarrier(type.name) ? record.key : made.key
    return made.data === record.data ? undefined : { ...delivery, record: { ...made, key } }
  } catch {
    return undefined
  }
}

/** The same data with one part plainer. */
export function* plainer(data: unknown): Generator<unknown> {
  if (typeof data === 'string') {
    if (data !== 'a' && data !== '') yield 'a'
  } else if (typeof data === 'number') {
    for (const value of [1, 0]) if (Math.abs(value) < Math.abs(data)) yield value
  } else if (data === true) yield false
  else if (Array.isArray(data)) {
    for (const at of data.keys()) yield data.toSpliced(at, 1)
    for (const [at, item] of data.entries()) for (const value of plainer(item)) yield data.with(at, value)
  } else if (typeof data === 'object' && data !== null) {
    const { ...fields } = data as Record<string, unknown>
    for (const name of Object.keys(fields)) {
      const { [name]: _left, ...rest } = fields
      yield rest
    }
    for (const [name, value] of Object.entries(fields))
      for (const other of plainer(value)) yield { ...fields, [name]: other }
  }
}
