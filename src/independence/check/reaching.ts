import type { Place } from './job.ts'
import type { Scopes } from './scopes.ts'
import { templatesIn } from './templates.ts'
import { type AnyFunction, functionsIn } from './variables.ts'

/** The words of all statements in a handler, and in the user's functions that it, or they, name. */
export function statementsReached({ handler }: Place, scopes: Scopes): ReadonlySet<string> {
  const { prepare, handle } = handler.written ?? handler
  const functions = new Set<AnyFunction>([handle, ...(prepare ? [prepare] : [])])
  const statements = new Set<string>()
  for (const fn of functions) {
    const source = fn.toString()
    if (!scopes.scriptOf(fn)) continue
    for (const words of templatesIn(source)) statements.add(words)
    const names = new Set(source.match(/[\p{ID_Start}$_][\p{ID_Continue}$]*/gu))
    for (const { values } of scopes.of(fn))
      for (const name of Reflect.ownKeys(values))
        if (typeof name === 'string' && names.has(name))
          for (const other of functionsIn(values[name], (member) => names.has(member))) functions.add(other)
  }
  return statements
}
