import { SkerryError } from '../../errors.ts'
import type { PrepareContext, Sql } from '../../flow/handler.ts'
import { receive } from '../../flow/received.ts'
import type { Rows } from '../../store/store.ts'
import type { Answering } from './answering.ts'
import type { Doing } from './doing.ts'
import type { Job } from './job.ts'
import { isEffect, type Outside, type OutsideStubs, onceKey, withEffect, withResult } from './outside.ts'
import { userSite } from './sites.ts'
import type { Trouble, Troubles } from './troubles.ts'

/** What a step that prepares stands in. */
export interface Surroundings {
  outside: Outside
  readonly stubs: OutsideStubs
  readonly troubles: Troubles
  /** A statement on what is committed. */
  read(job: Job, template: TemplateStringsArray, values: readonly unknown[]): Rows
}

/** Named things that a step looks at and changes. */
export interface Named {
  readonly sees: Set<string>
  readonly changes: Set<string>
}

/** What a `prepare` holds while it is checked: each thing that it does is one operation. */
export function preparing(
  around: Surroundings,
  job: Job,
  footprint: Named,
  doing: Doing,
  answering: Answering,
): PrepareContext {
  const { delivery } = job
  const read = (template: TemplateStringsArray, ...values: unknown[]) => around.read(job, template, values)
  const data = (): unknown => receive(job.type, delivery, 1).data
  /** With memory it matters that a result is there before the handler goes on with it. */
  const whole = async <T>(work: () => Promise<T>): Promise<T> => {
    await doing.next()
    const result = await work()
    if (job.unit.remembering) await doing.place()
    return result
  }
  return {
    sql: ((template: TemplateStringsArray, ...values: unknown[]) =>
      whole(async () => read(template, ...values))) as Sql,
    snapshot: (work) =>
      whole(() => work({ sql: (async (...given: Parameters<typeof read>) => read(...given)) as Sql })),
    outside: (name) =>
      whole(async () => {
        const result = answerOf(around, job, name, { key: '', data: data() })
        if (isEffect(stubOf(around, name))) around.outside = withEffect(around.outside, job, name)
        return result as never
      }),
    once: (name) => whole(async () => once(around, job, footprint, name, data) as never),
    call: (type, input, options) => whole(() => answering.call(type, input, options)) as never,
    now: () => new Date(delivery.record.time),
    signal: new AbortController().signal,
  }
}

function once(around: Surroundings, job: Job, footprint: Named, name: string, data: () => unknown): unknown {
  const key = onceKey(job, name)
  footprint.sees.add(`once ${key}`)
  const { results } = around.outside
  if (results.has(key)) return structuredClone(results.get(key))
  const result = answerOf(around, job, name, { key, data: data() })
  footprint.changes.add(`once ${key}`)
  around.outside = withResult(withEffect(around.outside, job, name), key, result)
  return structuredClone(result)
}

export function stubOf({ stubs }: Pick<Surroundings, 'stubs'>, name: string): OutsideStubs[string] | undefined {
  return Object.hasOwn(stubs, name) ? stubs[name] : undefined
}

function answerOf(around: Surroundings, job: Job, name: string, request: { key: string; data: unknown }): unknown {
  const stub = stubOf(around, name)
  if (stub) return isEffect(stub) ? stub.answer(request) : stub(request)
  const trouble: Trouble = {
    kind: 'unanswered',
    what: `asks the outside world for '${name}'; say how it answers: outside: { ${/^\w+$/.test(name) ? name : `'${name}'`}: () => … }`,
    site: userSite(new Error().stack),
  }
  around.troubles.note(job, trouble)
  throw new SkerryError('unavailable', `nothing answers '${name}' while handlers are checked`)
}
