import type { AnyCall } from '../../call.ts'
import type { AnyEvent } from '../../contract.ts'
import { messageOf, SkerryError } from '../../errors.ts'
import type { AnyService } from '../../service.ts'
import { type Clock, systemClock } from '../../time.ts'
import { watchAmbient } from './ambient.ts'
import { handledBy } from './calls.ts'
import { type Claimed, cellsOf, claimsOf, nameIn, staleDeclarations } from './cells.ts'
import { Coverage } from './coverage.ts'
import type { Generating, Generator } from './events.ts'
import { type Example, exampleOf } from './example.ts'
import type { Invariants } from './invariants.ts'
import { type Opaque, opaque, unknownColumns } from './observed.ts'
import type { OutsideStubs } from './outside.ts'
import { checkPair, type Found, type PairResult, pairsOf, readNumber, trialsIn } from './pairs.ts'
import { perturb } from './perturbing.ts'
import type { Given } from './pools.ts'
import { sourcesOf, statementsReached } from './reaching.ts'
import { recordingOf } from './recorded.ts'
import type { Cell, LeftOut, Report } from './report.ts'
import { Scopes } from './scopes.ts'
import { System } from './system.ts'
import { type Pair, Trials } from './trial.ts'
import type { Named } from './troubles.ts'
import { refuseUnknown, unknownFields } from './unknown.ts'
import { Variables } from './variables.ts'
import { nothingWhole, runWholes, unexplained } from './wholes.ts'

/** What the application's author knows and the checker cannot. All of it may be left out. */
export interface CheckOptions {
  /** Columns that nobody minds, such as `orders.updated_at`: their values may differ between orders. */
  readonly opaque?: readonly string[]
  /** How events and inputs of calls are made, instead of from their schemas. */
  // biome-ignore lint/suspicious/noExplicitAny: generators of events of any data
  readonly generate?: readonly (readonly [type: AnyEvent | AnyCall, make: (g: Generating) => any])[]
  /** Values to draw from, by the name of the field: `{ currency: ['GBP', 'EUR'] }`. Others come from schemas and from rows. */
  readonly values?: Given
  /**
   * A file of events that happened, one CloudEvent in JSON on each line, as `skerry tail` prints them: events are made of their
   * values, and some are tried as they were.
   */
  readonly recorded?: string | URL
  /**
   * How the world outside answers `ctx.once` and `ctx.outside`, by name, and services that are not checked answer `ctx.call`, by
   * `orders.place`; without it their answers are made from the schema of the output.
   */
  readonly outside?: OutsideStubs
  /**
   * What must hold after each event, by name: a question to the stores that gives the rows which must not be there.
   *
   * `{ once: (s) => s.orders.sql\`select id from orders group by id having count(*) > 1\` }`
   */
  readonly invariants?: Invariants
  /** What must hold once nothing is on its way any more, by name: likewise rows that must not be there. */
  readonly eventually?: Invariants
  /**
   * Further levels that must hold: `republication`, `conflict-free`, `rebuild`; everywhere, or for handlers of some types:
   * `['republication', Orders.placed]`. A subscription may claim them for itself.
   */
  readonly claims?: readonly Claimed[]
}

export interface RunOptions {
  /** The same seed tries the same things. @default 7 */
  readonly seed?: number
  /** What is checked, as it is called in the report. */
  readonly name?: string
  /**
   * Whether the report names branches that never ran: counted with the engine's profiler, which makes everything a third slower.
   * @default false
   */
  readonly coverage?: boolean
  /** A file of recorded events, instead of the one of the options. */
  readonly recorded?: string | URL
  readonly onProgress?: (done: number, total: number) => void
  readonly clock?: Clock
  /** Handlers about which nothing is to be tried any more, as `reader type`, and why. */
  readonly withhold?: ReadonlyMap<string, string>
  /** Why a pair is not to be tried, by its service and the labels of its types; nothing for one that is. */
  readonly leaveOut?: (pair: { readonly service: string; readonly a: string; readonly b: string }) => string | undefined
  /** Told of each step before it begins, by the number of its handler: what hangs is known by it. */
  readonly onStep?: (handler: number) => void
}

export type App = AnyService | readonly AnyService[] | Readonly<Record<string, AnyService>>

/** Services with what is known about them, ready to be checked. */
export interface Check {
  readonly services: readonly AnyService[]
  readonly options: CheckOptions
  /** Tries every pair of handlers of each service. Rejects with `migration_refused` or `invalid_config`. */
  run(options?: RunOptions): Promise<Report>
  /** Runs the trial of that number again, and makes it as small as can be. Rejects with `not_found`. */
  replay(number: number, options?: RunOptions): Promise<Example | undefined>
}

/**
 * Says which pairs of events depend on the order in which they are handled, by handling them: the real handlers, on stores
 * in memory.
 *
 * ```ts
 * export default check([orders, inventory], { opaque: ['orders.updated_at'] })
 * ```
 */
export function check(app: App, options: CheckOptions = {}): Check {
  const services = servicesOf(app)
  refuseUnknown(services, options)
  return {
    services,
    options,
    run: async (run = {}) => {
      const coverage = run.coverage ? await Coverage.begin() : undefined
      // Counts are gone once the debugger is, through which variables are looked at: they are taken before.
      return within(services, options, run, async (system) => {
        const report = await checkAll(system, options, run)
        return { ...report, covered: await coverage?.end() }
      })
    },
    replay: (number, run = {}) => within(services, options, run, (system) => replay(system, options, number)),
  }
}

export function servicesOf(app: App): readonly AnyService[] {
  if (Array.isArray(app)) return app as readonly AnyService[]
  return 'subscriptions' in app ? [app as AnyService] : Object.values(app as Record<string, AnyService>)
}

/** All handlers, as `reader type`: their numbers are their places in this list. */
export function handlersOf(services: readonly AnyService[]): string[] {
  return services.flatMap((service) =>
    handledBy(service).map(({ subscription, type }) => `${service.name}/${subscription.name} ${type.label}`),
  )
}

async function within<T>(
  services: readonly AnyService[],
  options: CheckOptions,
  run: RunOptions,
  work: (system: System) => Promise<T>,
): Promise<T> {
  const generators = new Map((options.generate ?? []).map(([type, make]) => [type.label, make as Generator]))
  const { onStep } = run
  const numbers = new Map(handlersOf(services).map((name, at) => [name, at]))
  const recording = await recordingOf(run.recorded ?? options.recorded, services)
  const scopes = new Scopes()
  const system = await System.open(services, {
    locate: (fn) => scopes.siteOf(fn),
    ...(onStep && { onStep: ({ reader, type }) => onStep(numbers.get(`${reader} ${type.label}`) ?? -1) }),
    seed: run.seed ?? defaultSeed,
    generators,
    values: options.values ?? {},
    recording,
    sourcesOf: (places) => sourcesOf(places, scopes),
    outside: options.outside ?? {},
    invariants: options.invariants ?? {},
    eventually: options.eventually ?? {},
    withhold: run.withhold ?? new Map(),
  })
  const unwatch = watchAmbient(system.world.troubles)
  const variables = new Variables(system.places, system.world.troubles, scopes)
  const reached = new Map(system.places.map((place) => [place, statementsReached(place, scopes)]))
  system.world.statements.reached = (place) => reached.get(place) ?? new Set()
  system.world.stepped = (job) => variables.look(job)
  try {
    return await work(system)
  } finally {
    unwatch()
    scopes.close()
    system.close()
  }
}

export const defaultSeed = 7

async function checkAll(system: System, options: CheckOptions, run: RunOptions): Promise<Omit<Report, 'covered'>> {
  const clock = run.clock ?? systemClock
  const started = clock.monotonic()
  const hidden = opaque(options.opaque ?? [])
  const pairs = pairsOf(system.places)
  const results: PairResult[] = []
  const unknown = [
    ...unknownColumns(options.opaque ?? [], system.world),
    ...unknownFields(system, options.values ?? {}),
  ]
  const problems = new Set<string>([...unknown, ...system.problems])
  const left = leftOut(system, pairs, run)
  for (const [ordinal, pair] of pairs.entries()) {
    if (left.has(pair)) continue
    try {
      results.push(await checkPair(system, pair, { hidden, ordinal }))
    } catch (error) {
      if (!(error instanceof SkerryError)) throw error
      problems.add(messageOf(error))
    }
    run.onProgress?.(ordinal + 1, pairs.length)
  }
  const { cells, examples } = await conclude(system, results, hidden)
  const kept = pairs.filter((pair) => !left.has(pair))
  const places = new Set(kept.flatMap(({ a, b }) => [a, b]))
  for (const problem of await perturb(system, hidden, places)) problems.add(problem)
  const wholes = kept.length > 0 || pairs.length === 0 ? await runWholes(system, hidden) : nothingWhole
  for (const stale of staleDeclarations(system, cells, left.keys())) problems.add(stale)
  return {
    name: run.name ?? '',
    seed: system.options.seed,
    cells,
    left: [...left.values()],
    examples,
    unrun: unrunOf(system, results),
    handlers: sitesOf(system),
    troubles: [...system.world.troubles.all, ...withheldBy(run)],
    problems: [...problems],
    wholes: { ...wholes, findings: unexplained(wholes, cells) },
    claims: claimsOf(system, options.claims ?? []),
    recorded: system.options.recording?.taken,
    pairs: new Set(cells.map(({ service, a, b }) => [service, ...[a, b].sort()].join(' '))).size,
    deliveries: system.world.deliveries,
    ms: clock.monotonic() - started,
  }
}

function unrunOf(system: System, results: readonly PairResult[]): Report['unrun'] {
  return results
    .filter(({ shared, ranAll }) => shared.size === 0 && !ranAll)
    .map(({ pair: { a, b } }) => ({ service: a.unit.service.name, a: nameIn(system, a), b: nameIn(system, b) }))
}

function sitesOf(system: System): Report['handlers'] {
  return system.places.map((place) => ({
    service: place.unit.service.name,
    event: nameIn(system, place),
    site: system.world.statements.siteOf(place),
  }))
}

function leftOut(system: System, pairs: readonly Pair[], { leaveOut }: RunOptions): Map<Pair, LeftOut> {
  const left = new Map<Pair, LeftOut>()
  for (const pair of leaveOut ? pairs : []) {
    const service = pair.a.unit.service.name
    const why = leaveOut?.({ service, a: pair.a.type.label, b: pair.b.type.label })
    if (why !== undefined) left.set(pair, { service, a: nameIn(system, pair.a), b: nameIn(system, pair.b), why })
  }
  return left
}

function withheldBy({ withhold }: RunOptions): Named[] {
  return [...(withhold ?? [])].map(([name, what]): Named => {
    const [reader, type] = name.split(' ') as [string, string]
    return { reader, type, kind: 'hangs', what, site: '' }
  })
}

/** Makes each dependence that was found as small as can be; what does not come out the same again is no finding. */
async function conclude(system: System, results: readonly PairResult[], hidden: Opaque) {
  const examples = new Map<number, Example>()
  const confirm = async (found: Found): Promise<number | undefined> => {
    const key = found.number
    if (examples.has(key)) return key
    const example = await exampleOf(system, found, hidden)
    if (!example) {
      for (const place of [found.pair.a, found.pair.b])
        system.world.troubles.note(place, {
          kind: 'changing',
          what: 'comes to something else when it runs again: something beside store and event decides',
          site: '',
        })
      return undefined
    }
    examples.set(key, example)
    return key
  }
  const cells: Cell[] = []
  for (const result of results) cells.push(...(await cellsOf(system, result, confirm)))
  return { cells, examples: [...examples.values()] }
}

async function replay(system: System, options: CheckOptions, number: number): Promise<Example | undefined> {
  const hidden = opaque(options.opaque ?? [])
  const { ordinal, attempt, trial: which, level: asked, turned } = readNumber(number)
  const pair = pairsOf(system.places)[ordinal]
  if (!pair)
    throw new SkerryError('not_found', `there is no example ${number}; take the number from a report of the same seed`)
  const trials = new Trials(system, pair)
  for (const mode of ['reached', 'possible'] as const)
    for await (const { number: its, trial, findings } of trialsIn(system, trials, { ordinal, hidden }, attempt, mode)) {
      const finding =
        its === which
          ? findings.findings.find((one) => one.level === asked && (one.turned ?? false) === turned)
          : undefined
      if (!finding?.differ) continue
      const { bound } = findings
      const { level, differ } = finding
      return exampleOf(system, { pair, number, trial, level, turned, bound, differ }, hidden)
    }
  return undefined
}
