/**
 * Orders of steps: all of them, or one of each kind that can make a difference.
 *
 * Two orders that differ only in neighbouring steps that do not meet come to the same. Of each such class one is run: dynamic
 * partial-order reduction with source sets (Abdulla, Aronis, Jonsson, Sagonas, POPL 2014) finds, in each order that was run,
 * the pairs of steps whose turning round could matter; sleep sets keep a class from being run twice.
 */
export interface Model<Print, Mark> {
  /** Who can go on now. Steps of one thread follow one another. */
  enabled(): readonly string[]
  /** What a thread's next step may turn out to be; usually one thing. */
  choices(thread: string): readonly string[]
  /** Runs the next step of a thread, and says what it touched. */
  step(thread: string, choice: string): Promise<Print>
  mark(): Mark
  back(mark: Mark): void
}

export interface Exploring<Print> {
  readonly meets: (a: Print, b: Print) => boolean
  /** Called at the end of every complete order; `false` stops. */
  readonly ended: (order: readonly string[]) => boolean | Promise<boolean>
  /** `all`: every order there is, for comparison. */
  readonly orders: 'all' | 'reduced'
  /** Orders that are complete, at most. */
  readonly most: number
}

export interface Explored {
  readonly complete: number
  /** Begun, and given up because the same had been run already. */
  readonly redundant: number
  readonly exhausted: boolean
}

interface Event<Print> {
  readonly thread: string
  readonly print: Print
  /** Earlier steps that must come before it: of its thread, those that made it possible, those that it meets. */
  readonly after: ReadonlySet<number>
  readonly enabledBy: number
}

interface Node {
  readonly wanted: string[]
}

type Sleeping<Print> = ReadonlyMap<string, { readonly thread: string; readonly print: Print }>

export async function explore<Print, Mark>(model: Model<Print, Mark>, exploring: Exploring<Print>): Promise<Explored> {
  return new Exploration(model, exploring).run()
}

class Exploration<Print, Mark> {
  readonly #model: Model<Print, Mark>
  readonly #exploring: Exploring<Print>
  readonly #trace: Event<Print>[] = []
  readonly #nodes: Node[] = []
  readonly #order: string[] = []
  #complete = 0
  #redundant = 0
  #stopped = false

  constructor(model: Model<Print, Mark>, exploring: Exploring<Print>) {
    this.#model = model
    this.#exploring = exploring
  }

  async run(): Promise<Explored> {
    await this.#from(new Map(), new Map())
    return { complete: this.#complete, redundant: this.#redundant, exhausted: !this.#stopped }
  }

  /** `since`: from which step on each thread can go on. */
  async #from(sleeping: Sleeping<Print>, since: ReadonlyMap<string, number>): Promise<void> {
    const enabled = this.#model.enabled()
    if (enabled.length === 0) return this.#end()
    const depth = this.#trace.length
    const first = enabled.find((thread) => this.#awake(thread, sleeping).length > 0)
    if (first === undefined) {
      this.#redundant++
      return
    }
    const wanted = this.#exploring.orders === 'all' ? [...enabled] : [first]
    this.#nodes[depth] = { wanted }
    let asleep = sleeping
    // Grows while it is gone through: what is run further down may ask for another thread here.
    for (const thread of wanted)
      for (const choice of this.#awake(thread, asleep)) {
        if (this.#stopped) return
        const print = await this.#take(thread, choice, asleep, enabled, since)
        if (this.#exploring.orders === 'reduced') asleep = new Map(asleep).set(`${thread} ${choice}`, { thread, print })
      }
    this.#nodes.length = depth
  }

  #awake(thread: string, sleeping: Sleeping<Print>): string[] {
    return this.#model.choices(thread).filter((choice) => !sleeping.has(`${thread} ${choice}`))
  }

  async #take(
    thread: string,
    choice: string,
    sleeping: Sleeping<Print>,
    enabled: readonly string[],
    since: ReadonlyMap<string, number>,
  ): Promise<Print> {
    const { meets, orders } = this.#exploring
    const mark = this.#model.mark()
    const print = await this.#model.step(thread, choice)
    const at = this.#trace.length
    this.#trace.push(this.#event(thread, print, since.get(thread) ?? -1))
    this.#order.push(choice === '' ? thread : `${thread} ${choice}`)
    if (orders === 'reduced') this.#findRaces(at)
    const later = new Map(since)
    for (const other of this.#model.enabled()) if (!enabled.includes(other)) later.set(other, at)
    const still = [...sleeping].filter(([, other]) => other.thread !== thread && !meets(other.print, print))
    await this.#from(new Map(still), later)
    this.#order.pop()
    this.#trace.pop()
    this.#model.back(mark)
    return print
  }

  #event(thread: string, print: Print, enabledBy: number): Event<Print> {
    const after = new Set<number>()
    for (let i = this.#trace.length - 1; i >= 0; i--) {
      const other = this.#trace[i] as Event<Print>
      if (after.has(i)) continue
      if (other.thread !== thread && i !== enabledBy && !this.#exploring.meets(other.print, print)) continue
      after.add(i)
      for (const earlier of other.after) after.add(earlier)
    }
    return { thread, print, after, enabledBy }
  }

  /** Steps that meet the newest one with nothing in between that holds them in this order: they could be turned round. */
  #findRaces(at: number): void {
    const event = this.#trace[at] as Event<Print>
    for (const i of event.after) {
      const other = this.#trace[i] as Event<Print>
      if (other.thread === event.thread || i === event.enabledBy) continue
      const held = [...event.after].some((between) => between > i && this.#trace[between]?.after.has(i))
      if (!held && this.#exploring.meets(other.print, event.print)) this.#turnRound(i, at)
    }
  }

  /** Asks, before step `i`, for a thread with which what does not depend on `i` can begin. */
  #turnRound(i: number, at: number): void {
    const rest: number[] = []
    for (let k = i + 1; k <= at; k++) if (k === at || !this.#trace[k]?.after.has(i)) rest.push(k)
    const initials = rest.filter((k) => !rest.some((earlier) => earlier < k && this.#trace[k]?.after.has(earlier)))
    const threads = initials.map((k) => (this.#trace[k] as Event<Print>).thread)
    const { wanted } = this.#nodes[i] as Node
    if (!threads.some((thread) => wanted.includes(thread))) wanted.push(threads[0] as string)
  }

  async #end(): Promise<void> {
    this.#complete++
    if (!(await this.#exploring.ended([...this.#order])) || this.#complete >= this.#exploring.most) this.#stopped = true
  }
}
