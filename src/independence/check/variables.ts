import { relative } from 'node:path'
import { info } from '../../contract.ts'
import type { Job, Place } from './job.ts'
import type { Scope, Scopes, Script } from './scopes.ts'
import type { Troubles } from './troubles.ts'

export type AnyFunction = (...values: never[]) => unknown

/** A variable that handlers reach, and what it held when it was last looked at. */
interface Variable {
  readonly name: string
  readonly site: string
  /** Declared so that it can be given another value. */
  readonly open: boolean
  /** A function through which it is found again. */
  readonly through: AnyFunction
  readonly scope: string
  readonly reachedBy: Place[]
  value: unknown
  text: string
}

/** So many steps of each handler are looked at, and then one of so many. */
const closely = 40
const nowAndThen = 64
/** Parts of a value that are looked at. */
const mostParts = 4000

/**
 * Variables that handlers reach beside store and declared memory. One that changes while a handler runs is remembered from
 * event to event, and nothing can take it back: it is named, and nothing is said of the handlers that reach it.
 */
export class Variables {
  readonly #troubles: Troubles
  readonly #scopes: Scopes
  #watched: Variable[] = []
  readonly #steps = new Map<string, number>()

  constructor(places: readonly Place[], troubles: Troubles, scopes: Scopes) {
    this.#troubles = troubles
    this.#scopes = scopes
    const found = new Map<string, Variable>()
    for (const place of places) this.#reach(place, found)
    this.#watched = [...found.values()].filter(({ open, value }) => open || isOwn(value, this.#scopes))
    for (const one of this.#watched) one.text = this.#textOf(one.value)
  }

  /** After a step of a handler. */
  look({ reader, type }: Job): void {
    if (this.#watched.length === 0) return
    const name = `${reader} ${type.label}`
    const steps = this.#steps.get(name) ?? 0
    this.#steps.set(name, steps + 1)
    if (steps >= closely && steps % nowAndThen !== 0) return
    this.#watched = this.#watched.filter((one) => !this.#changed(one) || this.#name(one))
  }

  #changed(one: Variable): boolean {
    if (one.open) one.value = this.#scopes.of(one.through).find(({ id }) => id === one.scope)?.values[one.name]
    const text = this.#textOf(one.value)
    if (text === one.text) return false
    one.text = text
    return true
  }

  /** Once is enough: it is not watched any more. */
  #name({ name, site, reachedBy }: Variable): false {
    for (const place of reachedBy)
      this.#troubles.note(place, {
        kind: 'memory',
        what: `uses the variable '${name}', which changes while handlers run and is in no store; declare it with memory(() => …) of its service`,
        site,
      })
    return false
  }

  /** Everything that a handler names, and what is named by the functions that it names. */
  #reach(place: Place, found: Map<string, Variable>): void {
    const { prepare, handle } = place.handler.written ?? place.handler
    const functions = new Set<AnyFunction>([handle, ...(prepare ? [prepare] : [])])
    for (const fn of functions) {
      const names = new Set(fn.toString().match(/[\p{ID_Start}$_][\p{ID_Continue}$]*/gu))
      const inner = new Set<string>()
      for (const scope of this.#scopes.of(fn))
        for (const name of Reflect.ownKeys(scope.values)) {
          if (typeof name !== 'string' || !names.has(name) || inner.has(name)) continue
          inner.add(name)
          // What the handler does not name may not even be declared yet: to look at it would be an error.
          const value = scope.values[name]
          for (const other of functionsIn(value)) functions.add(other)
          if (typeof value !== 'function') this.#note(place, fn, scope, name, found)
        }
    }
  }

  #note(place: Place, through: AnyFunction, scope: Scope, name: string, found: Map<string, Variable>): void {
    const id = `${scope.id} ${name}`
    const known = found.get(id)
    if (known) {
      if (!known.reachedBy.includes(place)) known.reachedBy.push(place)
      return
    }
    const declared = declarationOf(name, scope.script, this.#scopes.scripts)
    const { site, open } = declared ?? { site: relative(process.cwd(), scope.script.file), open: true }
    found.set(id, {
      ...{ name, site, open, through, scope: scope.id, reachedBy: [place], value: scope.values[name], text: '' },
    })
  }

  #textOf(value: unknown): string {
    return textOf(value, this.#scopes)
  }
}

/** Where a variable is declared, and whether it can be given another value: in this module, or in the one that exports it. */
function declarationOf(
  name: string,
  script: Script,
  scripts: readonly Script[],
): { readonly site: string; readonly open: boolean } | undefined {
  const escaped = name.replaceAll('$', '\\$')
  const declaration = new RegExp(`\\b(const|let|var|using)\\b[^=;()]*?(?<![\\w$.])${escaped}(?![\\w$])`, 'u')
  const exported = new RegExp(`\\bexport\\s+(const|let|var)\\s+${escaped}(?![\\w$])`, 'u')
  for (const [where, pattern] of [[script, declaration], ...scripts.map((one) => [one, exported] as const)] as const) {
    const at = pattern.exec(where.source)
    if (!at) continue
    const line = where.source.slice(0, at.index + at[0].length).split('\n').length
    return { site: `${relative(process.cwd(), where.file)}:${line}`, open: at[1] !== 'const' }
  }
  return undefined
}

/** A function, or those that an object holds, of members whose names are asked for. */
export function functionsIn(value: unknown, isAsked: (member: string) => boolean = () => true): AnyFunction[] {
  if (typeof value === 'function') return [value as AnyFunction]
  if (typeof value !== 'object' || value === null || isOurs(value)) return []
  const methods = Object.getPrototypeOf(value) as object | null
  const own = methods === null || methods === Object.prototype ? [] : Object.getOwnPropertyNames(methods)
  return [...Object.keys(value), ...own.filter((name) => name !== 'constructor')].filter(isAsked).flatMap((name) => {
    const held: unknown = Object.getOwnPropertyDescriptor(
      Object.hasOwn(value, name) ? value : (methods ?? {}),
      name,
    )?.value
    return typeof held === 'function' ? [held as AnyFunction] : []
  })
}

/** Services, contracts and types of events are what they are. */
function isOurs(value: object): boolean {
  return info in value || 'subscriptions' in value || ('label' in value && 'keyOf' in value)
}

/** Data, or an object of a class of the user's: a library's objects are its own affair. */
function isOwn(value: unknown, scopes: Scopes): value is object {
  if (typeof value !== 'object' || value === null || isOurs(value)) return false
  const prototype = Object.getPrototypeOf(value) as { readonly constructor?: unknown } | null
  if (prototype === null || builtIn.has(prototype)) return true
  const made = prototype.constructor
  return typeof made === 'function' && scopes.scriptOf(made as AnyFunction) !== undefined
}

const builtIn: ReadonlySet<unknown> = new Set([
  ...[Object.prototype, Array.prototype, Map.prototype, Set.prototype, Date.prototype],
  ...[Uint8Array.prototype, Buffer.prototype, Int32Array.prototype, Float64Array.prototype],
])

/** One text for equal values, as far as they are looked at. */
function textOf(value: unknown, scopes: Scopes): string {
  const seen = new Map<object, number>()
  let parts = 0
  return text(value)

  function text(part: unknown): string {
    if (parts++ > mostParts) return '…'
    if (typeof part === 'function') return 'function'
    if (typeof part !== 'object' || part === null) return typeof part === 'string' ? JSON.stringify(part) : String(part)
    const known = seen.get(part)
    if (known !== undefined) return `#${known}`
    seen.set(part, seen.size)
    if (!isOwn(part, scopes)) return 'object'
    if (part instanceof Date) return String(part.getTime())
    if (part instanceof Map) return `{${[...part].map(([key, held]) => `${text(key)}=>${text(held)}`).join()}}`
    if (part instanceof Set) return `{${[...part].map(text).join()}}`
    const held = Object.entries(Object.getOwnPropertyDescriptors(part))
    return `{${held.map(([name, { value }]) => `${name}:${text(value)}`).join()}}`
  }
}
