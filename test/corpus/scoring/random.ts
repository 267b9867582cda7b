import type { Delivery } from '../../../src/event.ts'
import { type Random, seededRandom } from '../../../src/ids.ts'
import type { AnyService } from '../../../src/service.ts'
import { textOf } from '../brute/compare.ts'
import { Generator } from '../brute/generate.ts'
import { interleaved } from '../brute/interleave.ts'
import { atomic, changedBy, failAt, undone } from '../brute/levels.ts'
import { orderedByContract, serial } from '../brute/trial.ts'
import { handledBy, name, type Task, World } from '../brute/world.ts'
import type { Checks } from '../checks.ts'
import { type Level, levels } from '../expected.ts'
import { type Judged, nameOf } from './cells.ts'
import { firstStep, stepsBetween } from './steps.ts'
import type { Tested } from './testers.ts'

/** Events of one round, and the step of a handler at which one is made to fail. */
const most = { events: 6, step: 6 }

/**
 * The baseline: events drawn at random, delivered in random orders, side by side, twice, after crashes, and endings compared,
 * until so many deliveries are used up. Nothing is reduced and nothing is aimed. A difference between two orders is traced to
 * the neighbours whose change of places makes it; in other rounds the last two events are to blame. Its events, its store and
 * its comparison are brute force's.
 */
export async function testedAtRandom(
  services: readonly AnyService[],
  checks: Checks,
  { seed, deliveries }: { seed: string; deliveries: number },
): Promise<Tested> {
  const testers: RandomTester[] = []
  try {
    for (const service of services)
      if (handledBy(service).size > 0) testers.push(new RandomTester(await World.open(service, checks)))
    const used = (): number => testers.reduce((sum, { world }) => sum + world.deliveries, 0)
    const random = seededRandom(seed)
    // Rounds without two events deliver nothing: they are bounded as well.
    for (let round = 0; round < deliveries && used() < deliveries; round++)
      await testers[Math.floor(random() * testers.length)]?.round(seededRandom(`${seed} ${round}`))
    return { cells: testers.flatMap((tester) => tester.cells()), wholes: [], deliveries: used() }
  } finally {
    for (const { world } of testers) world.close()
  }
}

/** Levels that a contract's order makes easier to hold. */
const inEveryOrder: ReadonlySet<Level> = new Set(['commuting', 'race-free', 'rebuild'])

/** Levels at which it matters which of the two is failed, or comes again. */
const ofOne: ReadonlySet<Level> = new Set(['redelivery', 're-publication', 'isolated-failure'])

function directed(cell: Omit<Judged, 'verdict'>): string {
  return ofOne.has(cell.level) ? `${nameOf(cell)} ${cell.a}` : nameOf(cell)
}

interface Round {
  readonly random: Random
  readonly generator: Generator
  readonly events: readonly Placed[]
  readonly probe: Delivery | undefined
  /** The last two, and all before them. */
  readonly a: Placed
  readonly b: Placed
  readonly prefix: readonly Placed[]
}

interface Placed {
  readonly event: Delivery
  readonly instance: number
}

class RandomTester {
  readonly world: World
  readonly #found = new Set<string>()
  readonly #root: { back(): void }
  readonly #kinds: readonly ((round: Round) => Promise<void>)[]

  constructor(world: World) {
    this.world = world
    this.#root = world.mark()
    const steps = [...world.service.subscriptions.values()].flatMap(({ handlers }) => [...handlers.values()])
    const overlaps = world.remembers || steps.some(({ handler }) => 'prepare' in handler)
    const claims = world.checks.claims?.republication?.[world.service.name]
    this.#kinds = [
      ...[(round: Round) => this.#shuffle(round), (round: Round) => this.#fault(round)],
      (round: Round) => this.#failure(round),
      ...(overlaps ? [(round: Round) => this.#overlap(round)] : []),
      ...(claims ? [(round: Round) => this.#copy(round)] : []),
      ...(world.service.options.projection ? [(round: Round) => this.#rebuild(round)] : []),
    ]
  }

  async round(random: Random): Promise<void> {
    const { world } = this
    const types = [...handledBy(world.service).values()]
    const pick = <T>(of: readonly T[]): T => of[Math.floor(random() * of.length)] as T
    const generator = new Generator(world.checks, random)
    const wanted = 2 + Math.floor(random() * (most.events - 1))
    const made = Array.from({ length: wanted }, () => generator.event(pick(types))).filter((one) => one !== undefined)
    const probe = world.remembers ? generator.event(pick(types)) : undefined
    const events = made.map((event) => ({ event, instance: world.remembers && random() < 0.5 ? 1 : 0 }))
    const [a, b] = events.slice(-2)
    if (!a || !b) return
    await pick(this.#kinds)({ random, generator, events, probe, a, b, prefix: events.slice(0, -2) })
  }

  /** All pairs at all levels: independent is what no round has shown to be otherwise. */
  cells(): Judged[] {
    const labels = [...handledBy(this.world.service).keys()]
    const service = this.world.service.name
    const asked = levels.flatMap((level) =>
      (['unordered', 'contract'] as const).flatMap((as) =>
        labels.flatMap((a) => labels.map((b) => ({ service, a, b, level, as }))),
      ),
    )
    return asked.map((cell) => ({ ...cell, verdict: this.#found.has(directed(cell)) ? 'dependent' : 'independent' }))
  }

  /** `turned` where the two came in another order than they were published in. */
  #blame(level: Level, { event: a }: Placed, { event: b }: Placed, turned = true): void {
    const label = ({ stream, record }: Delivery): string => `${stream}.${record.type}`
    const cell = { service: this.world.service.name, level, a: label(a), b: label(b) }
    this.#found.add(directed({ ...cell, as: 'unordered' }))
    const isOrdered = turned && inEveryOrder.has(level) && orderedByContract({ world: this.world, a, b })
    if (!isOrdered) this.#found.add(directed({ ...cell, as: 'contract' }))
  }

  #tasks(placed: readonly Placed[]): Task[] {
    return placed.flatMap(({ event, instance }) => this.world.tasks(event, instance))
  }

  /** From an empty store and fresh processes. */
  async #after(...placed: readonly Placed[]): Promise<void> {
    this.#root.back()
    await serial(this.world, this.#tasks(placed))
  }

  /** Invariants are looked at after every round's last two events, whatever was done to them. */
  async #watching({ a, b }: Round, run: () => Promise<void>, wereHeld: boolean): Promise<void> {
    await run()
    if (wereHeld && this.world.brokenInvariants().length > 0) this.#blame('invariants', a, b)
  }

  #held(): boolean {
    return this.world.brokenInvariants().length === 0
  }

  async #ending({ probe }: Round, run: () => Promise<void>): Promise<string> {
    await run()
    await serial(this.world, probe ? this.world.tasks(probe, 0) : [])
    return textOf(this.world.observe())
  }

  async #shuffle(round: Round): Promise<void> {
    const { events, random, a, b, prefix } = round
    const ranked = events.map((placed) => ({ placed, rank: random() })).sort((one, other) => one.rank - other.rank)
    const orders = stepsBetween(
      events,
      ranked.map(({ placed }) => placed),
    )
    await this.#after(...prefix)
    const held = this.#held()
    const ofA = await changedBy(this.world, this.#tasks([a]))
    let ofB: ReadonlySet<string> = new Set()
    await this.#watching(
      round,
      async () => {
        ofB = await changedBy(this.world, this.#tasks([b]))
      },
      held,
    )
    if ([...ofA].some((row) => ofB.has(row))) this.#blame('conflict-free', a, b)
    const swapped = await firstStep(orders, (order) => this.#ending(round, () => this.#after(...order)))
    if (!swapped) return
    this.#blame('commuting', ...swapped)
    this.#blame('conflict-free', ...swapped)
  }

  async #overlap(round: Round): Promise<void> {
    const { prefix, a, b, random } = round
    const tasks = this.#tasks([a, b])
    if (atomic(this.world, tasks)) return
    const one = await this.#ending(round, () => this.#after(...prefix, a, b))
    const other = await this.#ending(round, () => this.#after(...prefix, b, a))
    const mixed = await this.#ending(round, async () => {
      await this.#after(...prefix)
      const choose = (free: number): number => Math.floor(random() * free)
      await this.#watching(round, () => interleaved(this.world, tasks, choose), this.#held())
    })
    if (mixed !== one && mixed !== other) this.#blame('race-free', a, b)
  }

  /** The same event once more: after its batch was rolled back, beside a process that was late, or after a crash. */
  async #fault(round: Round): Promise<void> {
    const { world } = this
    const { prefix, a, b, random } = round
    const own = this.#tasks([a])
    const task = own[Math.floor(random() * own.length)] as Task
    await this.#after(...prefix)
    if ((await world.run(task)).kind !== 'handled') return
    await serial(world, this.#tasks([b]))
    const plain = textOf(world.observe())
    const fault = Math.floor(random() * 3)
    await this.#after(...prefix)
    const held = this.#held()
    let isFaulty = false
    await this.#watching(
      round,
      async () => {
        isFaulty = await this.#again(task, fault, Math.floor(random() * most.step))
      },
      held,
    )
    if (!isFaulty) return
    await serial(world, this.#tasks([b]))
    if (textOf(world.observe()) !== plain) this.#blame('redelivery', a, b)
  }

  /** False when the task has fewer steps than that, and nothing was at fault. */
  async #again(task: Task, fault: number, step: number): Promise<boolean> {
    const { world } = this
    if (fault === 0) {
      await undone(world, task, await world.prepare(task))
      await world.run(task)
    } else if (fault === 1) {
      const late = await world.prepare(task)
      await world.run({ ...task, instance: world.remembers ? 1 - task.instance : 0 })
      await undone(world, task, late)
    } else {
      if (!(await failAt(world, task, step))) return false
      world.crash(task.instance)
      await world.run(task)
    }
    return true
  }

  async #failure({ prefix, a, b, random }: Round): Promise<void> {
    const { world } = this
    const leaving = { outcomesOf: new Set([a.event.record.id]), effectsOf: new Set([a.event.record.id]) }
    await this.#after(...prefix, b)
    const alone = textOf(world.observe(), leaving)
    const [task] = this.#tasks([a])
    await this.#after(...prefix)
    if (!task || !(await failAt(world, task, Math.floor(random() * most.step)))) return
    await serial(world, this.#tasks([b]))
    if (textOf(world.observe(), leaving) !== alone) this.#blame('isolated-failure', a, b)
  }

  async #copy({ prefix, a, b, random, generator }: Round): Promise<void> {
    const { world } = this
    await this.#after(...prefix, a, ...(random() < 0.5 ? [b] : []))
    const before = world.observe()
    if (this.#tasks([a]).some((task) => before.outcomes.get(name(task)) !== 'handled')) return
    const copy = generator.again(a.event)
    const copies = world.tasks(copy, 0)
    await serial(world, copies)
    const after = world.observe()
    const leaving = { outcomesOf: new Set([copy.record.id]) }
    const failed = copies.some((task) => after.outcomes.get(name(task)) !== 'handled')
    if (failed || textOf(before, leaving) !== textOf(after, leaving)) this.#blame('re-publication', a, b)
  }

  async #rebuild({ prefix, a, b, random }: Round): Promise<void> {
    const rows = (): string => JSON.stringify([...this.world.store.rows()])
    const first = { event: a.event, instance: 0 }
    await this.#after(...prefix.map(({ event }) => ({ event, instance: 0 })), first, { event: b.event, instance: 0 })
    const rebuilt = rows()
    const turned = random() < 0.5
    await this.#after(...prefix, ...(turned ? [b, a] : [a, b]))
    if (rows() !== rebuilt) this.#blame('rebuild', a, b, turned)
  }
}
