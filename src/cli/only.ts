import { SkerryError } from '../errors.ts'
import { handledBy } from '../independence/check/calls.ts'
import { nearest } from '../nearest.ts'
import type { AnyService } from '../service.ts'
import type { Both } from './affected.ts'
import { missing, UsageError } from './failure.ts'

/**
 * Leaves out all but one service, one type's pairs, or one pair: `orders`, `orders:placed`, `orders:placed,cancelled`. Throws
 * `not_found` naming the nearest for what nothing is called.
 */
export function onlyOf(asked: string, services: readonly AnyService[]): (pair: Both) => string | undefined {
  const colon = asked.indexOf(':')
  const [name, rest] = colon < 0 ? [asked, ''] : [asked.slice(0, colon), asked.slice(colon + 1)]
  const service = services.find((one) => one.name === name)
  if (!service) {
    const names = services.map((one) => one.name)
    throw missing('service', name, names, `There are: ${names.join(', ')}.`)
  }
  const known = handledBy(service).map(({ type }) => type.label)
  const words = rest === '' ? [] : rest.split(',')
  if (words.length > 2) throw new UsageError(`--only ${asked}: name two event types at most: --only SERVICE:A,B`)
  const types = words.map((type) => labelsOf(type.trim(), name, known))
  const [left, right = known] = types
  return ({ service: its, a, b }) => {
    const isAsked =
      its === name && (!left || (left.includes(a) && right.includes(b)) || (left.includes(b) && right.includes(a)))
    return isAsked ? undefined : `only ${asked} was asked for`
  }
}

/** `orders.placed`, or `placed` of whatever service. */
function labelsOf(type: string, service: string, known: readonly string[]): readonly string[] {
  const found = known.filter((label) => label === type || shortOf(label) === type)
  if (found.length > 0) return found
  const names = type.includes('.') ? known : known.map(shortOf)
  const close = nearest(type, names)
  const hint = close === undefined ? 'it handles nothing' : `the nearest is '${close}'; it handles ${known.join(', ')}`
  throw new SkerryError('not_found', `${service} has no handler for '${type}'; ${hint}`)
}

function shortOf(label: string): string {
  return label.slice(label.indexOf('.') + 1)
}
