import { SkerryError } from '../errors.ts'
import type { Plain } from './store.ts'

/**
 * How values map between JavaScript and a store, in both directions. The one table; its test goes line by line.
 *
 * | bound                          | kept as                   | read back                                         |
 * | ------------------------------ | ------------------------- | ------------------------------------------------- |
 * | null                           | null                      | null                                              |
 * | whole number, ±(2^53 − 1)      | 64-bit integer            | number; −0 is 0                                   |
 * | any other finite number        | 64-bit float              | number; bigint if an integer column made it whole  |
 * | bigint, −2^63 … 2^63 − 1       | 64-bit integer            | number within ±(2^53 − 1), bigint beyond          |
 * | true, false                    | 1, 0                      | 1, 0                                              |
 * | string                         | text                      | string                                            |
 * | Date                           | text, ISO 8601 in UTC, ms | string                                            |
 * | plain object, array            | text, JSON                | string                                            |
 * | Uint8Array (Buffer too)        | blob                      | Uint8Array                                        |
 *
 * Refused with `statement_failed` and the parameter's number, because an engine would change them in silence:
 * undefined, NaN, ±Infinity, a bigint outside 64 bits, a string with half a surrogate pair, an invalid Date, JSON that
 * cannot be written (a cycle, a bigint inside), functions, symbols and objects of any other class.
 *
 * A number is never rounded and never an exception on its way back. A count of changed rows is a number. Inside JSON
 * the rules of `JSON.stringify` hold: `undefined` members are left out, NaN becomes null.
 */
export function bind(value: unknown, parameter: number): Plain {
  switch (typeof value) {
    case 'string':
      if (value.isWellFormed()) return value
      return refuse(parameter, 'holds half a surrogate pair, which no text encoding can keep')
    case 'number':
      return bindNumber(value, parameter)
    case 'bigint':
      if (BigInt.asIntN(64, value) === value) return value
      return refuse(parameter, `is ${value}, which does not fit into 64 bits; pass it as text`)
    case 'boolean':
      return value ? 1n : 0n
    case 'object':
      return value === null ? null : bindObject(value, parameter)
    case 'undefined':
      return refuse(parameter, 'is undefined; pass null for no value')
    default:
      return refuse(parameter, `is a ${typeof value}, which no store can keep`)
  }
}

// Bound as bigint because node:sqlite binds every number as a float, which a text column would keep as '5.0'.
function bindNumber(value: number, parameter: number): Plain {
  if (Number.isSafeInteger(value)) return BigInt(value)
  if (Number.isFinite(value)) return value
  return refuse(parameter, `is ${value}, which no store can keep; pass null or text`)
}

function bindObject(value: object, parameter: number): Plain {
  if (value instanceof Uint8Array) return value
  if (value instanceof Date) {
    if (Number.isNaN(value.getTime())) return refuse(parameter, 'is an invalid Date')
    return value.toISOString()
  }
  if (!Array.isArray(value) && !isPlain(value))
    return refuse(parameter, `is a ${value.constructor?.name ?? 'strange object'}; pass what should be kept of it`)
  try {
    return JSON.stringify(value)
  } catch (cause) {
    return refuse(parameter, 'cannot be written as JSON', cause)
  }
}

function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === null || prototype === Object.prototype
}

function refuse(parameter: number, why: string, cause?: unknown): never {
  throw new SkerryError('statement_failed', `parameter ${parameter} ${why}`, cause === undefined ? {} : { cause })
}

/** Binds all values in place; the array must be the caller's own. */
export function bindAll(values: unknown[]): Plain[] {
  for (let i = 0; i < values.length; i++) values[i] = bind(values[i], i + 1)
  return values as Plain[]
}

/** An integer as read in 64 bits: a number wherever that is exact. */
export function narrow(value: unknown): unknown {
  if (typeof value !== 'bigint') return value
  return value >= -9007199254740991n && value <= 9007199254740991n ? Number(value) : value
}
