import { type AnyCall, fieldsOf, Refusal } from '../../call.ts'
import { messageOf, SkerryError } from '../../errors.ts'
import { kindsOf, resolveRef, type Shape } from '../server/coerce.ts'
import { isCode } from '../server/errors.ts'
import type { WireAnswer } from '../transport.ts'

/** A call as a request: where its input goes, as the contract says. */
export interface Sendable {
  readonly method: string
  readonly path: string
  readonly query: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: Uint8Array
}

const nothing = new Uint8Array()
const nowhere: readonly string[] = []
const json = { 'content-type': 'application/json' }

/** Writes an input into path, query and body. Throws `invalid_request` naming what JSON or a path cannot hold. */
export function writeCall(type: AnyCall, input: unknown): Sendable {
  const { method } = type
  const inPath = type.path.includes('{') ? fieldsOf(type.path) : nowhere
  if (inPath.length === 0 && method !== 'GET' && method !== 'DELETE') return inBody(type, type.path, input)
  const fields: Record<string, unknown> = typeof input === 'object' && input !== null ? { ...input } : {}
  const path = type.path.replaceAll(/\{(\w+)\}/g, (_, name: string) => {
    const value = fields[name]
    delete fields[name]
    return pathSegment(type.label, name, value)
  })
  if (method === 'GET' || method === 'DELETE') {
    for (const [name, value] of Object.entries(fields)) if (value === null) mustBeSayable(type, name)
    return { method, path, query: queryOf(fields), headers: {}, body: nothing }
  }
  return inBody(type, path, fields)
}

function inBody(type: AnyCall, path: string, value: unknown): Sendable {
  return { method: type.method, path, query: '', headers: json, body: Buffer.from(jsonOf(type.label, value)) }
}

/** An input as JSON. Throws `invalid_request` for what that cannot hold: a bigint, a circle, nothing at all. */
export function jsonOf(label: string, value: unknown): string {
  let text: string | undefined
  let why: unknown
  try {
    text = JSON.stringify(value)
  } catch (error) {
    why = error
  }
  if (text !== undefined) return text
  const said = why === undefined ? '' : ` (${messageOf(why).split('\n')[0]})`
  throw new SkerryError('invalid_request', `${label}: its input is nothing that JSON holds${said}`, { cause: why })
}

/** `.` and `..` would be taken for steps by whoever passes the request on, however they are written. */
export function pathSegment(label: string, name: string, value: unknown): string {
  const text = ['string', 'number', 'boolean'].includes(typeof value) ? String(value) : ''
  if (text !== '' && !/^\.{1,2}$/.test(text) && text.isWellFormed()) return encodeURIComponent(text)
  throw new SkerryError(
    'invalid_request',
    `${label}: '${name}' stands in its path, and '${text.toWellFormed()}' cannot; give a text that is not empty, '.' or '..'`,
  )
}

/** Nothing at all stands for null, but where it may as well be a text of nothing. */
function mustBeSayable(type: AnyCall, name: string): void {
  const schema = type.inputSchema()
  const root = (typeof schema.$ref === 'string' ? resolveRef(schema.$ref, schema) : schema) as Shape | undefined
  if (kindsOf((root?.properties as Shape | undefined)?.[name], schema).has('string'))
    throw new SkerryError(
      'invalid_request',
      `${type.label}: '${name}' stands in a query, where a text cannot be null; leave it out`,
    )
}

/** What follows the `?`; empty without fields. Lists repeat their name, null is nothing. */
export function queryOf(fields: Readonly<Record<string, unknown>>): string {
  const query = new URLSearchParams()
  for (const [name, value] of Object.entries(fields))
    if (value !== undefined)
      for (const one of Array.isArray(value) ? value : [value]) query.append(name, String(one ?? ''))
  return query.toString()
}

/** The answer's JSON, or throws what the call was refused with: a `Refusal` where the contract declares it. */
export function readCall(type: AnyCall, answer: WireAnswer): unknown {
  refuseUnlessAnswered(type, answer)
  return parsed(textOf(answer), () => unexpected(type, answer.status, 'its answer is no JSON'))
}

const textOf = ({ body }: WireAnswer): string =>
  (Buffer.isBuffer(body) ? body : Buffer.from(body.buffer, body.byteOffset, body.byteLength)).toString()

/** Throws what the call was refused with, if it was. */
export function refuseUnlessAnswered(type: AnyCall, answer: WireAnswer): void {
  const { status, headers } = answer
  if (status < 300) return
  const text = textOf(answer)
  const said = headers['content-type']?.startsWith('application/problem+json') ? problemIn(text) : {}
  const { code, detail, reason, data } = said
  if (code === 'refused' && typeof reason === 'string') {
    const declared = type.errors.get(reason)
    if (declared) throw new Refusal(type.label, reason, data, declared.status)
  }
  if (isCode(code)) throw new SkerryError(code, typeof detail === 'string' ? detail : `${type.label}: HTTP ${status}`)
  // Something before the service answered.
  throw unexpected(type, status, typeof detail === 'string' ? detail : text.slice(0, 200))
}

function problemIn(text: string): Readonly<Record<string, unknown>> {
  const said = parsed(text, () => undefined)
  return typeof said === 'object' && said !== null ? (said as Record<string, unknown>) : {}
}

function parsed(text: string, otherwise: () => Error | undefined): unknown {
  try {
    return JSON.parse(text)
  } catch {
    const error = otherwise()
    if (error) throw error
    return undefined
  }
}

const unexpected = (type: AnyCall, status: number, what: string): SkerryError =>
  new SkerryError(status >= 500 ? 'unavailable' : 'failed', `${type.label}: HTTP ${status}: ${what}`)
