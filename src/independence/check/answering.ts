import { type AnyCall, Refusal } from '../../call.ts'
import { SkerryError } from '../../errors.ts'
import type { Delivery } from '../../event.ts'
import { CallNames } from '../../flow/call-names.ts'
import { asCallersOwn } from '../../flow/callee-errors.ts'
import type { CallingOptions, ReadContext, Sql } from '../../flow/handler.ts'
import { receive } from '../../flow/received.ts'
import { derivedId, seededRandom } from '../../ids.ts'
import type { CallDefinition } from '../../service.ts'
import type { Rows } from '../../store/store.ts'
import { type Answer, eventOf, handlerOf, outputSchemaOf, refuseStranger, requestOf } from './calls.ts'
import type { Called, How, Step } from './doing.ts'
import type { Footprint } from './footprint.ts'
import { dataFrom } from './generate.ts'
import type { Job, Unit } from './job.ts'
import { isEffect, type Outside, type OutsideStubs, withEffect, withResult } from './outside.ts'
import { Pools } from './pools.ts'

/** What answers calls stands in. */
export interface Asked {
  readonly units: readonly Unit[]
  readonly stubs: OutsideStubs
  outside: Outside
  prepare(job: Job, how?: How): Promise<Step>
  handle(job: Job, prepared: unknown, how?: How): Promise<Step>
  /** A look at what a service has committed, and what it looked at. */
  looking(job: Job, work: (read: (...given: Statement) => Rows) => Promise<unknown>): Promise<[unknown, Footprint]>
}

type Statement = [template: TemplateStringsArray, values: readonly unknown[]]

/** What calls of one step left behind. */
export interface Left {
  readonly called: Called[]
  readonly footprints: Footprint[]
  readonly sees: Set<string>
  readonly changes: Set<string>
}

interface Call {
  readonly type: AnyCall
  readonly input: unknown
  readonly from: string
  /** The same whenever the step runs again. */
  readonly key: string
  readonly time: number
}

/** The calls of one run of one step: each is one thing that happens, on the store of the service that answers. */
export class Answering {
  readonly #asked: Asked
  readonly #job: Job
  readonly #left: Left
  readonly #names = new CallNames()

  constructor(asked: Asked, job: Job, left: Left) {
    this.#asked = asked
    this.#job = job
    this.#left = left
  }

  /** Rejects as `PrepareContext.call` does. */
  async call(type: AnyCall, given: unknown, options: CallingOptions = {}): Promise<unknown> {
    const { delivery, reader, unit } = this.#job
    const name = this.#names.of(type, options)
    const key = derivedId(delivery.stream, delivery.record.id, reader, name)
    const { time } = delivery.record
    const call = { type, input: asSent(type, given), from: unit.service.name, key, time }
    try {
      return await (type.idempotent ? this.#answer(call) : this.#once(call))
    } catch (error) {
      throw asCallersOwn(type, error)
    }
  }

  /** An answer, or a refusal, is the same whenever the key comes again. */
  async #once(call: Call): Promise<unknown> {
    const { key } = call
    this.#left.sees.add(`once ${key}`)
    const { results } = this.#asked.outside
    if (results.has(key)) return again(results.get(key))
    this.#left.changes.add(`once ${key}`)
    const output = await this.#answer(call).catch((error: unknown) => {
      if (error instanceof Refusal) this.#asked.outside = withResult(this.#asked.outside, key, error)
      throw error
    })
    this.#asked.outside = withResult(this.#asked.outside, key, { output })
    return output
  }

  async #answer(call: Call): Promise<unknown> {
    const { type, input, key, from } = call
    const { stubs, units } = this.#asked
    const stub = Object.hasOwn(stubs, type.label) ? stubs[type.label] : undefined
    if (stub) {
      if (isEffect(stub)) this.#asked.outside = withEffect(this.#asked.outside, this.#job, type.label)
      return (isEffect(stub) ? stub.answer : stub)({ key, data: input })
    }
    const unit = units.find(({ service }) => service.name === type.service)
    // Whoever answers is not checked: anything that its contract allows, and for one key the same.
    if (!unit) return dataFrom(outputSchemaOf(type), new Pools(seededRandom(`answer ${key}`)), type.label)
    const definition = unit.service.calls.get(type.name)
    if (!definition) throw new SkerryError('not_found', `${type.label} has no handler`)
    refuseStranger(type, from)
    // As the service would say it, before anything happens.
    type.take(input)
    return type.readOnly ? this.#read(call, unit, definition) : this.#write(call, unit, definition)
  }

  async #write(call: Call, unit: Unit, definition: CallDefinition): Promise<unknown> {
    let answer: Answer | undefined
    const tell = (told: Answer): void => {
      answer = told
    }
    const job = jobOf(call, unit, definition, tell)
    const { called, footprints } = this.#left
    const first = await this.#asked.prepare(job)
    called.push(...(first.called ?? []))
    footprints.push(first.footprint, ...(first.footprint.called ?? []))
    if (first.outcome === 'failed') throw first.error
    const second = await this.#asked.handle(job, first.prepared)
    footprints.push(second.footprint)
    const { name } = unit.service
    if (second.outcome === 'failed') throw second.error
    called.push({ service: name, emitted: second.emitted, writes: second.footprint.accesses.writes })
    if (answer?.kind === 'refused') throw answer.refusal
    return JSON.parse((answer as Extract<Answer, { kind: 'answered' }>).text)
  }

  async #read(call: Call, unit: Unit, definition: CallDefinition): Promise<unknown> {
    const { type, time, from } = call
    const job = jobOf(call, unit, definition, () => {})
    const [output, footprint] = await this.#asked.looking(job, async (read) => {
      const context: ReadContext = {
        sql: (async (template: TemplateStringsArray, ...values: unknown[]) => read(template, values)) as Sql,
        ...{ dialect: 'sqlite', now: () => new Date(time), signal: new AbortController().signal },
      }
      const request = requestOf(type, receive(job.type, job.delivery, 1), from)
      return JSON.parse(JSON.stringify(type.give(await definition.handler.handle(context as never, request))))
    })
    this.#left.footprints.push(footprint)
    this.#left.called.push({ service: unit.service.name, emitted: [], writes: [] })
    return output
  }
}

/** A call as a job of its service. */
function jobOf(
  { type, input, key, time, from }: Call,
  unit: Unit,
  definition: CallDefinition,
  told: (answer: Answer) => void,
): Job {
  const { name } = unit.service
  const record = {
    ...{ id: key, type: type.name, version: 1, key: '', time, due: 0, expires: 0, attributes: undefined },
    data: JSON.stringify(input),
  }
  const delivery: Delivery = { stream: name, position: 0, record }
  return {
    ...{ unit, reader: `${name}/calls`, type: eventOf(type), delivery },
    subscription: { name: 'calls', options: { from: 'start' }, handlers: new Map() },
    handler: handlerOf(definition, told, from),
  }
}

function again(result: unknown): unknown {
  if (result instanceof Refusal) throw result
  return structuredClone((result as { output: unknown }).output)
}

function asSent({ label }: AnyCall, input: unknown): unknown {
  const text = JSON.stringify(input)
  if (text !== undefined) return JSON.parse(text)
  throw new SkerryError('invalid_request', `${label}: its input is nothing that JSON holds`)
}
