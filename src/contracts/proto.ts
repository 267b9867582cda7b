import { type AnyContract, info } from '../contract.ts'
import { SkerryError } from '../errors.ts'
import { type Field, type Message, messagesOf, pascal } from './messages.ts'

/** Numbers of fields, by message and name, those that are gone included: `{ PlaceRequest: { sku: [1, 'string'] } }`. */
export type Numbers = Readonly<Record<string, Readonly<Record<string, readonly [number: number, type: string]>>>>

/** From 19,000 on some are protobuf's own. */
const lastNumber = 18_999

/** The numbers with those of new fields: higher than any that its message has given out. */
export function numbered(before: Numbers, messages: readonly Message[]): Numbers {
  const now: Record<string, Record<string, readonly [number, string]>> = { ...structuredClone(before) }
  for (const { name, fields } of messages) {
    const known = { ...now[name] }
    let last = Math.max(0, ...Object.values(known).map(([number]) => number))
    for (const field of fields) known[field.name] ??= [++last, field.type]
    if (last > lastNumber) throw new SkerryError('invalid_config', `${name}: more than ${lastNumber} fields`)
    now[name] = known
  }
  return now
}

/** What is wrong with numbers: given twice, or with a type that is another one by now. */
export function wrongNumbers(numbers: Numbers, messages: readonly Message[]): readonly string[] {
  const found: string[] = []
  for (const [message, fields] of Object.entries(numbers)) {
    const taken = new Map<number, string>()
    for (const [name, [number]] of Object.entries(fields)) {
      const other = taken.get(number)
      if (other !== undefined) found.push(`${message}.${name}: its number ${number} is that of ${other}`)
      taken.set(number, name)
    }
  }
  for (const { name, fields } of messages)
    for (const { name: field, type } of fields) {
      const [number, was = type] = numbers[name]?.[field] ?? []
      if (wireOf(was) !== wireOf(type)) found.push(`${name}.${field}: number ${number} was ${was} and is ${type}`)
    }
  return found
}

/** Whether a field may be missing is not seen on the wire. */
const wireOf = (type: string): string => type.replace(/^optional /, '')

/** The `.proto` of a contract's calls, with the numbers of its lock. Throws `not_found` for a field without one. */
export function protoOf(contract: AnyContract, numbers: Numbers): string {
  const { name, calls } = contract[info]
  const types = [...calls.values()]
  const messages = types.flatMap(messagesOf)
  const methods = types.map(({ name: call, readOnly, idempotent }) => {
    const method = pascal(call)
    const level = readOnly ? 'NO_SIDE_EFFECTS' : idempotent ? 'IDEMPOTENT' : undefined
    const end = level ? ` {\n    option idempotency_level = ${level};\n  }` : ';'
    return `  rpc ${method} (${method}Request) returns (${method}Reply)${end}\n`
  })
  const service = `service ${pascal(name)} {\n${methods.join('')}}\n`
  const texts = messages.filter((one) => !one.name.includes('.')).map((one) => messageText(one, messages, numbers, ''))
  return [`syntax = "proto3";\n`, `package ${name.replaceAll('-', '_')};\n`, service, ...texts].join('\n')
}

function messageText(message: Message, all: readonly Message[], numbers: Numbers, indent: string): string {
  const known = numbers[message.name] ?? {}
  const own = message.name.split('.').at(-1)
  const nested = all.filter(
    ({ name }) => name.startsWith(`${message.name}.`) && !name.slice(message.name.length + 1).includes('.'),
  )
  const gone = Object.entries(known).filter(([name]) => !message.fields.some((field) => field.name === name))
  const lines = [
    ...gone.map(([name, [number]]) => `reserved ${number};\n${indent}  reserved "${name}";`),
    ...message.fields.map((field) => fieldText(message, field, known[field.name]?.[0])),
  ]
  const body = lines.map((line) => `${indent}  ${line}\n`).join('')
  const inner = nested.map((one) => messageText(one, all, numbers, `${indent}  `)).join('')
  return `${indent}message ${own} {\n${body}${inner}${indent}}\n`
}

function fieldText(message: Message, { name, type }: Field, number: number | undefined): string {
  if (number === undefined)
    throw new SkerryError('not_found', `${message.name}.${name} has no number in the lock; run: skerry contracts lock`)
  return `${type} ${name} = ${number} [json_name = "${name}"];`
}
