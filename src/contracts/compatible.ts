/** JSON Schema, as far as it is compared here. */
export interface Shape {
  readonly [keyword: string]: unknown
}

/**
 * - `given`: others send it, and go on sending what the old schema took.
 * - `received`: others read it, and go on expecting what the old schema let through.
 * - `both`: it is kept, too; what was written before is read by the new schema, and what is written now by old readers.
 */
export type Side = 'given' | 'received' | 'both'

/** A change that somebody who knows the old schema would stumble over. */
export interface Breaking {
  /** `lines[].sku`; '' for the whole. */
  readonly path: string
  readonly why: string
  /** The compatible way. */
  readonly instead: string
}

interface Comparing {
  readonly oldRoot: Shape
  readonly newRoot: Shape
  readonly side: Side
  readonly found: Breaking[]
  /** Pairs of references that are being compared, or were: schemas may hold themselves. */
  readonly seen: Set<string>
}

/** What breaks between two JSON Schemas of one thing, field by field. What only tightens or loosens in the safe direction is none. */
export function breakingChanges(before: Shape, now: Shape, side: Side): readonly Breaking[] {
  const comparing: Comparing = { oldRoot: before, newRoot: now, side, found: [], seen: new Set(['# #']) }
  compare(before, now, '', comparing)
  return comparing.found
}

function compare(oldGiven: unknown, newGiven: unknown, path: string, c: Comparing): void {
  const [oldRef, newRef] = [refOf(oldGiven), refOf(newGiven)]
  if (oldRef && newRef) {
    if (c.seen.has(`${oldRef} ${newRef}`)) return
    c.seen.add(`${oldRef} ${newRef}`)
  }
  const before = resolved(oldGiven, c.oldRoot)
  const now = resolved(newGiven, c.newRoot)
  const [oldKinds, newKinds] = [kindsOf(before, c.oldRoot), kindsOf(now, c.newRoot)]
  if (compareKinds(oldKinds, newKinds, path, c)) return
  compareValues(before, now, path, c)
  compareLimits(before, now, path, c)
  if (before.properties && now.properties) compareFields(before, now, path, c)
  if (before.items && now.items) compare(before.items, now.items, `${path}[]`, c)
  if (isShape(before.additionalProperties) && isShape(now.additionalProperties))
    compare(before.additionalProperties, now.additionalProperties, `${path}{}`, c)
}

const takes = ({ side }: Comparing): boolean => side !== 'received'
const gives = ({ side }: Comparing): boolean => side !== 'given'

/** True when what is there is of another kind, so that nothing beneath it needs to be compared. */
function compareKinds(before: ReadonlySet<string>, now: ReadonlySet<string>, path: string, c: Comparing): boolean {
  const [lost, more] = [before.difference(now), now.difference(before)]
  // No kinds at all is anything.
  const narrower = now.size > 0 && (before.size === 0 || lost.size > 0)
  const wider = before.size > 0 && (now.size === 0 || more.size > 0)
  const told = (kinds: ReadonlySet<string>): string => [...kinds].sort().join(' or ') || 'anything'
  const why = `it was ${told(before)} and is ${told(now)}`
  if (takes(c) && narrower) c.found.push({ path, why, instead: `take ${told(before)} as before, or add another field` })
  else if (gives(c) && wider)
    c.found.push({ path, why, instead: `give ${told(before)} as before, or add another field` })
  else return false
  return true
}

function compareValues(before: Shape, now: Shape, path: string, c: Comparing): void {
  const [old, new_] = [valuesOf(before), valuesOf(now)]
  const text = (values: ReadonlySet<string>): string => [...values].join(', ')
  if (takes(c) && new_) {
    const lost = old ? old.difference(new_) : undefined
    if (!lost) c.found.push({ path, why: `only ${text(new_)} is taken now`, instead: 'take what was taken before' })
    else if (lost.size > 0)
      c.found.push({ path, why: `${text(lost)} is not taken any more`, instead: 'go on taking it' })
  }
  if (gives(c) && old) {
    const more = new_ ? new_.difference(old) : undefined
    if (!more) c.found.push({ path, why: `it may be other than ${text(old)} now`, instead: 'add another field' })
    else if (more.size > 0)
      c.found.push({ path, why: `it may be ${text(more)} now`, instead: 'add another field for that' })
  }
}

const lowest = ['minimum', 'exclusiveMinimum', 'minLength', 'minItems', 'minProperties']
const highest = ['maximum', 'exclusiveMaximum', 'maxLength', 'maxItems', 'maxProperties']
const same = ['pattern', 'format', 'multipleOf']

/** Limits tell those who give; those who read know only kinds and values. */
function compareLimits(before: Shape, now: Shape, path: string, c: Comparing): void {
  if (!takes(c)) return
  const tighter = (why: string): void => void c.found.push({ path, why, instead: 'keep to the limit of before' })
  for (const limit of lowest) {
    const [old, new_] = [before[limit] ?? Number.NEGATIVE_INFINITY, now[limit] ?? Number.NEGATIVE_INFINITY]
    if ((new_ as number) > (old as number)) tighter(`its ${limit} is ${new_} now`)
  }
  for (const limit of highest) {
    const [old, new_] = [before[limit] ?? Number.POSITIVE_INFINITY, now[limit] ?? Number.POSITIVE_INFINITY]
    if ((new_ as number) < (old as number)) tighter(`its ${limit} is ${new_} now`)
  }
  for (const limit of same)
    if (now[limit] !== undefined && now[limit] !== before[limit]) tighter(`its ${limit} is ${now[limit]} now`)
}

function compareFields(before: Shape, now: Shape, path: string, c: Comparing): void {
  const [old, new_] = [before.properties as Shape, now.properties as Shape]
  const [oldRequired, newRequired] = [requiredOf(before), requiredOf(now)]
  const at = (name: string): string => (path === '' ? name : `${path}.${name}`)
  for (const name of Object.keys(old)) {
    if (!Object.hasOwn(new_, name)) {
      c.found.push({ path: at(name), why: 'it is gone', instead: 'keep it; a new name is a new field beside it' })
      continue
    }
    compare(old[name], new_[name], at(name), c)
    if (gives(c) && oldRequired.has(name) && !newRequired.has(name))
      c.found.push({ path: at(name), why: 'it may be missing now', instead: 'always give it' })
  }
  for (const name of newRequired)
    if (takes(c) && !oldRequired.has(name) && Object.hasOwn(new_, name)) {
      const why = Object.hasOwn(old, name) ? 'it must be given now' : 'it is new, and must be given'
      c.found.push({ path: at(name), why, instead: 'make it optional, or give it a default' })
    }
}

const requiredOf = (shape: Shape): ReadonlySet<string> => new Set((shape.required ?? []) as string[])
const isShape = (value: unknown): value is Shape => typeof value === 'object' && value !== null && !Array.isArray(value)
const refOf = (value: unknown): string => (isShape(value) && typeof value.$ref === 'string' ? value.$ref : '')

function resolved(value: unknown, root: Shape): Shape {
  for (let shape = value, n = 0; n < 16; n++) {
    if (!isShape(shape)) return {}
    if (typeof shape.$ref !== 'string') return shape
    shape = shape.$ref
      .split('/')
      .slice(1)
      .reduce<unknown>((at, part) => (isShape(at) ? at[part] : undefined), root)
  }
  return {}
}

function kindsOf(shape: Shape, root: Shape): ReadonlySet<string> {
  const parts = (shape.anyOf ?? shape.oneOf) as unknown
  if (Array.isArray(parts)) {
    const kinds = parts.map((part) => kindsOf(resolved(part, root), root))
    return kinds.some((one) => one.size === 0) ? new Set() : new Set(kinds.flatMap((one) => [...one]))
  }
  if (shape.type !== undefined) return new Set([shape.type].flat() as string[])
  return new Set([...(valuesOf(shape) ?? [])].map((text) => kindOf(JSON.parse(text))))
}

const kindOf = (value: unknown): string => (value === null ? 'null' : Array.isArray(value) ? 'array' : typeof value)

/** The values that an enumeration lets through, as JSON. */
function valuesOf({ enum: values, const: only }: Shape): ReadonlySet<string> | undefined {
  if (Array.isArray(values)) return new Set(values.map((value) => JSON.stringify(value)))
  return only === undefined ? undefined : new Set([JSON.stringify(only)])
}
