import { nearest } from '../../nearest.ts'

/** Something wrong with a configuration, and where: `http[0].match[1].uri.prefx`. */
export interface Problem {
  readonly path: string
  readonly message: string
}

/** Reads a value of unknown shape; what is wrong goes to the problems, and the value is left out. */
export type Read<T> = (value: unknown, path: string, problems: Problem[]) => T | undefined

export type Got<R> = R extends Read<infer T> ? T : never

type Struct<F> = { readonly [K in keyof F]?: Got<F[K]> }

/** An object of known fields, each of which may be missing; null is missing, too. */
export function struct<F extends Record<string, Read<unknown>>>(fields: F): Read<Struct<F>> {
  return (value, path, problems) => {
    const given = asObject(value, path, problems)
    if (!given) return undefined
    const result: Record<string, unknown> = {}
    for (const [name, inner] of Object.entries(given)) {
      const read = Object.hasOwn(fields, name) ? fields[name] : undefined
      const at = path === '' ? name : `${path}.${name}`
      if (!read) problems.push({ path: at, message: unknown('field', name, Object.keys(fields)) })
      else if (inner !== null && inner !== undefined) {
        const got = read(inner, at, problems)
        if (got !== undefined) result[name] = got
      }
    }
    return result as Struct<F>
  }
}

/** What is not known, and what may have been meant. */
export function unknown(kind: string, name: string, known: readonly string[]): string {
  const meant = nearest(name, known)
  return `unknown ${kind} '${name}'${meant === undefined ? '' : `; did you mean '${meant}'?`}`
}

export function list<T>(item: Read<T>): Read<readonly T[]> {
  return (value, path, problems) => {
    if (!Array.isArray(value)) return wrong(path, 'a list', value, problems)
    return value.flatMap((inner, i) => {
      const got = item(inner, `${path}[${i}]`, problems)
      return got === undefined ? [] : [got]
    })
  }
}

/** An object of any fields; null is a value here, and wrong. */
export function record<T>(item: Read<T>): Read<Readonly<Record<string, T>>> {
  return (value, path, problems) => {
    const given = asObject(value, path, problems)
    if (!given) return undefined
    const entries = Object.entries(given).flatMap(([name, inner]) => {
      const got = item(inner, `${path}.${name}`, problems)
      return got === undefined ? [] : [[name, got] as const]
    })
    return Object.fromEntries(entries)
  }
}

export const text: Read<string> = (value, path, problems) =>
  typeof value === 'string' ? value : wrong(path, 'text', value, problems)

export const flag: Read<boolean> = (value, path, problems) =>
  typeof value === 'boolean' ? value : wrong(path, 'true or false', value, problems)

export const number: Read<number> = (value, path, problems) =>
  typeof value === 'number' && Number.isFinite(value) ? value : wrong(path, 'a number', value, problems)

export const whole: Read<number> = (value, path, problems) =>
  typeof value === 'number' && Number.isSafeInteger(value) ? value : wrong(path, 'a whole number', value, problems)

export function oneOf<const T extends string>(...names: readonly T[]): Read<T> {
  return (value, path, problems) => {
    const found = names.find((name) => name === value)
    if (found === undefined && typeof value === 'string')
      problems.push({ path, message: unknown('value', value, names) })
    else if (found === undefined) wrong(path, `one of ${names.join(', ')}`, value, problems)
    return found
  }
}

/** A field that is known, but that a client cannot do: better refused than left out in silence. */
export function unsupported(why: string): Read<never> {
  return (_value, path, problems) => {
    problems.push({ path, message: `is not supported: ${why}` })
    return undefined
  }
}

const unitsMs: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
}

/** `1m30s`, `0.5s`, `250ms`, or a number of milliseconds; at least one, and no fractions of one. Gives milliseconds. */
export const duration: Read<number> = (value, path, problems) => {
  const ms = typeof value === 'string' ? durationMs(value) : typeof value === 'number' ? value : undefined
  if (ms === undefined) return wrong(path, 'a duration such as 1.5s, 250ms or 1m30s', value, problems)
  if (ms >= 1 && Number.isInteger(ms)) return ms
  problems.push({ path, message: ms < 1 ? 'must be at least 1ms' : 'must be whole milliseconds' })
  return undefined
}

/** A duration where none at all, `0s`, turns something off. */
export const durationOrNone: Read<number> = (value, path, problems) =>
  value === '0s' || value === 0 ? 0 : duration(value, path, problems)

function durationMs(given: string): number | undefined {
  if (!/^(?:(?:\d+(?:\.\d*)?|\.\d+)(?:ns|us|µs|ms|s|m|h))+$/.test(given)) return undefined
  let total = 0
  for (const [, amount, unit] of given.matchAll(/([\d.]+)(ns|us|µs|ms|s|m|h)/g))
    total += Number(amount) * (unitsMs[unit as string] as number)
  // To the nanosecond, since 0.3 s are not quite 300 ms in binary.
  return Math.round(total * 1e6) / 1e6
}

function asObject(value: unknown, path: string, problems: Problem[]): object | undefined {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value
  return wrong(path, 'an object', value, problems)
}

function wrong(path: string, wanted: string, value: unknown, problems: Problem[]): undefined {
  const is = value === null ? 'null' : Array.isArray(value) ? 'a list' : typeof value
  const shown = typeof value === 'string' || typeof value === 'number' ? JSON.stringify(value) : is
  problems.push({ path, message: `must be ${wanted}, not ${shown}` })
  return undefined
}
