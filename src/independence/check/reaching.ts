import type { Place } from './job.ts'
import type { Scopes } from './scopes.ts'
import { templatesIn } from './templates.ts'
import { type AnyFunction, functionsIn } from './variables.ts'

/** The words of all statements in a handler, and in the user's functions that it, or they, name. */
export function statementsReached(place: Place, scopes: Scopes): ReadonlySet<string> {
  return new Set(functionsReached(place, scopes).flatMap(({ fn }) => templatesIn(fn.toString())))
}

/** The text of all functions that some handlers come to, each once, with the values of constants in place of their names. */
export function sourcesOf(places: readonly Place[], scopes: Scopes): ReadonlySet<string> {
  const filled = ({ fn, constants }: Reached): string =>
    fn.toString().replaceAll(identifier, (name, at: number, whole: string) => {
      const value = whole[at - 1] === '.' ? undefined : constants.get(name)
      return value === undefined ? name : JSON.stringify(value)
    })
  return new Set(places.flatMap((place) => functionsReached(place, scopes).map(filled)))
}

const identifier = /[\p{ID_Start}$_][\p{ID_Continue}$]*/gu

/** Longer texts are no words that a field could be. */
const longest = 40

interface Reached {
  readonly fn: AnyFunction
  /** Numbers and texts that it names, from outside of it. */
  readonly constants: ReadonlyMap<string, number | string>
}

/** A handler's functions, and the user's that they, or those, name. */
function functionsReached({ handler }: Place, scopes: Scopes): Reached[] {
  const { prepare, handle } = handler.written ?? handler
  const functions = new Set<AnyFunction>([handle, ...(prepare ? [prepare] : [])])
  const users: Reached[] = []
  for (const fn of functions) {
    if (!scopes.scriptOf(fn)) continue
    const constants = new Map<string, number | string>()
    users.push({ fn, constants })
    const names = new Set(fn.toString().match(identifier))
    for (const { values } of scopes.of(fn))
      for (const name of Reflect.ownKeys(values)) {
        if (typeof name !== 'string' || !names.has(name)) continue
        const value = values[name]
        if (typeof value === 'number' || (typeof value === 'string' && value.length <= longest))
          constants.set(name, value)
        for (const other of functionsIn(value, (member) => names.has(member))) functions.add(other)
      }
  }
  return users
}
