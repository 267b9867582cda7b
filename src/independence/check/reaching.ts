import type { Place } from './job.ts'
import type { Scopes } from './scopes.ts'
import { templatesIn } from './templates.ts'
import { type AnyFunction, functionsIn } from './variables.ts'

/** The words of all statements in a handler, and in the user's functions that it, or they, name. */
export function statementsReached(place: Place, scopes: Scopes): ReadonlySet<string> {
  return new Set(functionsReached(place, scopes).flatMap((fn) => templatesIn(fn.toString())))
}

/** The text of all functions that some handlers come to, each once. */
export function sourcesOf(places: readonly Place[], scopes: Scopes): ReadonlySet<string> {
  return new Set(places.flatMap((place) => functionsReached(place, scopes).map((fn) => fn.toString())))
}

/** A handler's functions, and the user's that they, or those, name. */
function functionsReached({ handler }: Place, scopes: Scopes): AnyFunction[] {
  const { prepare, handle } = handler.written ?? handler
  const functions = new Set<AnyFunction>([handle, ...(prepare ? [prepare] : [])])
  const users: AnyFunction[] = []
  for (const fn of functions) {
    if (!scopes.scriptOf(fn)) continue
    users.push(fn)
    const names = new Set(fn.toString().match(/[\p{ID_Start}$_][\p{ID_Continue}$]*/gu))
    for (const { values } of scopes.of(fn))
      for (const name of Reflect.ownKeys(values))
        if (typeof name === 'string' && names.has(name))
          for (const other of functionsIn(values[name], (member) => names.has(member))) functions.add(other)
  }
  return users
}
