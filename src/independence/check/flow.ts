import { codeOf, errorCodes } from '../../errors.ts'
import { cancelType, type Delivery, type EventRecord } from '../../event.ts'
import { cancelledId } from '../../flow/lanes.ts'
import type { Write } from '../../store/sqlite/observed/access.ts'
import type { How, Step } from './doing.ts'
import type { Footprint } from './footprint.ts'
import { inOrder, type Job, nameOf } from './job.ts'
import type { Moment, World } from './world.ts'

/** Where one event is, within one subscription. */
export interface Pending {
  readonly job: Job
  readonly stage: 'prepare' | 'handle'
  readonly prepared: unknown
  /** Tries that failed. */
  readonly failures: number
  /** Reruns after a stale version, which nobody is charged for. */
  readonly reruns: number
  /** Which of the service's two processes has it: they matter where it remembers something. */
  readonly instance: number
  /** 1 for an event that is handed out a second time under the same id. */
  readonly copy: number
}

/** Tries before an event is given up: more would only repeat what the first ones showed. */
export const mostTries = 3
const mostReruns = 10

export interface Change {
  readonly service: string
  readonly write: Write
}

/** Everything that was published and what became of it, beside the stores. */
export interface Course {
  readonly pending: readonly Pending[]
  readonly settled: ReadonlyMap<string, 'done' | 'dead'>
  /** Those that are done, in the order in which they were. */
  readonly handled: readonly Job[]
  readonly emitted: ReadonlyMap<string, Delivery>
  /** In the order in which they happened. */
  readonly changes: readonly Change[]
}

const beginning: Course = { pending: [], settled: new Map(), handled: [], emitted: new Map(), changes: [] }

/** Events under way among services: each step moves one of them on, in whatever order the caller chooses. */
export class Flow {
  readonly world: World
  course: Course = beginning

  constructor(world: World) {
    this.world = world
  }

  mark(): { readonly moment: Moment; readonly course: Course } {
    return { moment: this.world.mark(), course: this.course }
  }

  back({ moment, course }: { readonly moment: Moment; readonly course: Course }): void {
    this.world.back(moment)
    this.course = course
  }

  /** Forgets what happened so far, but not what the stores hold. */
  begin(): void {
    const { settled, handled } = this.course
    this.course = { ...beginning, settled, handled }
  }

  /** Puts an event on the way to everybody who wants it. */
  publish(delivery: Delivery): void {
    if (delivery.record.type === cancelType) this.#withdraw(cancelledId(delivery.record))
    else this.add(this.world.jobsFor(delivery))
  }

  add(jobs: readonly Job[]): void {
    const added = jobs.map((job): Pending => ({ job, stage: job.handler.prepare ? 'prepare' : 'handle', ...fresh }))
    this.course = { ...this.course, pending: [...this.course.pending, ...added] }
  }

  /** Hands an event out once more, as after an acknowledgement that was lost. */
  duplicate(one: Pending): void {
    this.course = { ...this.course, pending: [...this.course.pending, { ...one, copy: 1 }] }
  }

  /** Gives an event to one of the processes. */
  assign(one: Pending, instance: number): Pending {
    if (one.instance === instance) return one
    const assigned = { ...one, instance }
    this.#replace(one, assigned)
    return assigned
  }

  /** A crash loses what was prepared, and what its process remembers: the event is handed out again. */
  crash(one: Pending): Footprint {
    const { unit } = one.job
    this.#replace(one, { ...one, stage: one.job.handler.prepare ? 'prepare' : 'handle', prepared: undefined })
    this.world.crash(unit, one.instance)
    const footprint = this.#atPosition(one.job)
    const lost = unit.remembering ? [`memory ${unit.service.name} ${one.instance}`] : []
    return { ...footprint, changes: new Set(lost) }
  }

  /** Those that may go on: all but the ones that must wait for an earlier event of their key. */
  ready(): Pending[] {
    const { pending } = this.course
    return pending.filter((one, at) => !pending.slice(0, at).some((earlier) => inOrder(earlier.job, one.job)))
  }

  /** Moves one event on by one step. */
  async step(one: Pending, how: How = {}): Promise<Step> {
    const { job, prepared, instance } = one
    if (one.stage === 'prepare') {
      const step = await this.world.prepare(job, { ...how, instance })
      for (const called of step.called ?? []) this.#took(called.service, called.emitted, called.writes)
      if (step.outcome === 'failed') this.#failed(one, step.error)
      else this.#replace(one, { ...one, stage: 'handle', prepared: step.prepared })
      return step
    }
    if (this.course.settled.has(nameOf(job))) {
      this.#replace(one, undefined)
      const footprint = { ...this.#atPosition(job), sees: new Set([`position ${nameOf(job)}`]) }
      return { outcome: 'done', emitted: [], operations: 0, places: 0, footprint }
    }
    const step = await this.world.handle(job, prepared, { ...how, instance })
    if (step.outcome === 'failed') this.#failed(one, step.error)
    else this.#done(one, step)
    const changes = new Set([...step.footprint.changes, `position ${nameOf(job)}`])
    return { ...step, footprint: { ...step.footprint, changes } }
  }

  /** Both steps of one event, with the reruns that stale versions ask for. */
  async deliver(one: Pending): Promise<Step[]> {
    const steps: Step[] = []
    for (let now: Pending | undefined = one; now; ) {
      const step: Step = await this.step(now)
      steps.push(step)
      const failures: number = now.failures
      now = this.course.pending.find((other) => nameOf(other.job) === nameOf(one.job))
      if (now && now.failures > failures) break
    }
    return steps
  }

  /** One after another, each once, and then those that failed again, as long as that may help. */
  async deliverAll(jobs: readonly Pending[], succeeded = (): void => {}): Promise<Step[][]> {
    const steps: Step[][] = []
    for (let round = 0; round < mostTries; round++)
      for (const [at, job] of jobs.entries()) {
        const now = this.course.pending.find((other) => nameOf(other.job) === nameOf(job.job))
        if (!now) continue
        steps[at] = [...(steps[at] ?? []), ...(await this.deliver(now))]
        if (steps[at].at(-1)?.outcome === 'done') succeeded()
      }
    return steps
  }

  #done(one: Pending, step: Step): void {
    const { job } = one
    const stream = job.unit.service.name
    this.#replace(one, undefined)
    const settled = new Map(this.course.settled).set(nameOf(job), 'done')
    this.course = { ...this.course, settled, handled: [...this.course.handled, job] }
    this.#took(stream, step.emitted, step.footprint.accesses.writes)
  }

  /** What a service committed: rows, and events on their way. */
  #took(service: string, records: readonly EventRecord[], writes: readonly Write[]): void {
    const emitted = new Map(this.course.emitted)
    const deliveries = records.map((record): Delivery => ({ stream: service, position: 0, record }))
    for (const delivery of deliveries) emitted.set(delivery.record.id, delivery)
    const changes = writes.map((write) => ({ service, write }))
    this.course = { ...this.course, emitted, changes: [...this.course.changes, ...changes] }
    for (const delivery of deliveries) this.publish(delivery)
  }

  #failed(one: Pending, error: unknown): void {
    const { job } = one
    if (codeOf(error) === 'version_conflict' && one.reruns < mostReruns) {
      const stage = job.handler.prepare ? 'prepare' : 'handle'
      this.#replace(one, { ...one, prepared: undefined, failures: 0, stage, reruns: one.reruns + 1 })
      return
    }
    const failures = one.failures + 1
    const dead = errorCodes[codeOf(error)] === 'never' || failures >= mostTries
    this.#replace(one, dead ? undefined : { ...one, stage: job.handler.prepare ? 'prepare' : 'handle', failures })
    if (dead) this.course = { ...this.course, settled: new Map(this.course.settled).set(nameOf(job), 'dead') }
  }

  #replace(one: Pending, by: Pending | undefined): void {
    const pending = this.course.pending.flatMap((other) => (other !== one ? [other] : by ? [by] : []))
    this.course = { ...this.course, pending }
  }

  #withdraw(id: string): void {
    const pending = this.course.pending.filter(({ job }) => job.delivery.record.id !== id)
    this.course = { ...this.course, pending }
  }

  #atPosition(job: Job): Footprint {
    const { db, service } = job.unit
    const nothing = { sees: new Set<string>(), changes: new Set<string>(), fresh: new Set<string>() }
    return { service: service.name, schema: db.schema, accesses: db.watch(), ...nothing }
  }
}

const fresh = { prepared: undefined, failures: 0, reruns: 0, instance: 0, copy: 0 } as const
