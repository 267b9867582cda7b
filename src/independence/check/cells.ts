import type { AnyCall } from '../../call.ts'
import type { AnyEvent } from '../../contract.ts'
import { isMeant, requestedBy } from '../../flow/carried.ts'
import { handledBy } from './calls.ts'
import type { Place } from './job.ts'
import type { Level } from './levels.ts'
import { type Asked, enough, type Found, type PairResult, type Tally } from './pairs.ts'
import type { Cell, Claim, Verdict } from './report.ts'
import type { System } from './system.ts'
import type { Pair } from './trial.ts'

/** A level that is claimed: of everything, or of handlers of these types. */
export type Claimed = Level | readonly [level: Level, ...types: (AnyEvent | AnyCall)[]]

/** Gives an example's number once it was made small and run again, or `undefined` when it would not come out again. */
export type Confirm = (found: Found) => Promise<number | undefined>

const inEveryOrder: ReadonlySet<Level> = new Set(['commuting', 'race-free', 'rebuild', 'invariant'])

/** What a pair came to, level by level. */
export async function cellsOf(system: System, result: PairResult, confirm: Confirm): Promise<Cell[]> {
  const cells: Cell[] = []
  const kinds = [
    ['contract', result.contract],
    ['unordered', result.unordered],
  ] as const
  for (const [as, tallies] of kinds) {
    const tried = [...new Set<Asked>(['commuting', ...result.unordered.keys()])]
    for (const asked of tried) {
      const [level, turned] = asked.split(' ') as [Level, string?]
      if (as === 'unordered' && !inEveryOrder.has(level)) continue
      const tally = tallies.get(asked) ?? { trials: 0, touched: 0, reached: 0, found: undefined }
      const cell = await cellOf(system, result, as, level, tally, confirm)
      cells.push(turned ? { ...cell, a: cell.b, b: cell.a } : cell)
    }
  }
  return cells
}

async function cellOf(
  system: System,
  result: PairResult,
  as: Cell['as'],
  level: Level,
  tally: Tally,
  confirm: Confirm,
): Promise<Cell> {
  const { a, b } = result.pair
  const declares =
    (level === 'commuting' || level === 'rebuild') && (declaredBy(a, b) !== undefined || declaredBy(b, a) !== undefined)
  // A claim that nobody makes needs no example to go with it.
  const example = tally.found && (needsExample(level) ? await confirm(tally.found) : tally.found.number)
  const isTroubled = [a, b].some(({ reader, type }) => system.world.troubles.with(reader, type.label))
  const verdict = isTroubled ? 'withheld' : example === undefined ? without(result, as, tally) : 'dependent'
  return {
    service: a.unit.service.name,
    a: nameIn(system, a),
    b: nameIn(system, b),
    level,
    as,
    verdict: verdict === 'dependent' && declares ? 'declared' : verdict,
    declared: declares,
    reachable: tally.found?.trial.reachable ?? tally.reached > 0,
    trials: tally.trials,
    touched: tally.touched,
    example: example ?? null,
  }
}

function needsExample(level: Level): boolean {
  return level !== 'conflict-free' && level !== 'republication'
}

/** What can be said where nothing differed. */
function without(result: PairResult, as: Cell['as'], { trials, touched }: Tally): Verdict {
  if (touched >= enough) return 'independent'
  if (result.shared.size === 0 && result.ranAll && trials >= enough) return 'independent'
  // Whenever they met, publish order bound them: it leaves nothing open.
  const unordered = result.unordered.get('commuting')
  const isBound = as === 'contract' && touched === 0 && result.bound > 0 && (unordered?.touched ?? 0) >= enough
  return isBound ? 'independent' : 'not exercised'
}

/** The type's label; with the subscription where a service has several handlers of one type. */
export function nameIn(system: System, place: Place): string {
  const several = system.places.filter(({ unit, type }) => unit === place.unit && type.label === place.type.label)
  return several.length > 1 ? `${place.type.label}@${place.subscription.name}` : place.type.label
}

/** Why one handler's subscription says that it depends on the other's type, if it does. */
export function declaredBy(place: Place, on: Place): string | undefined {
  return place.subscription.options.dependsOn?.find(([type]) => isMeant(type, on.type.label))?.[1]
}

/** What must hold beside what always must: for all, for some types, for some subscriptions; projections can be rebuilt. */
export function claimsOf(system: System, claims: readonly Claimed[]): Claim[] {
  const of = (level: Level, places: readonly Place[]): Claim[] =>
    places.map((place) => ({ level, service: place.unit.service.name, event: nameIn(system, place) }))
  const named = claims.flatMap((claim): Claim[] => {
    if (typeof claim === 'string') return [{ level: claim }]
    const [level, ...types] = claim
    return of(
      level,
      system.places.filter(({ type }) => types.some((meant) => isMeant(meant, type.label))),
    )
  })
  const subscribed = system.places.flatMap((place) => claimedBy(place).flatMap((level) => of(level, [place])))
  const projections = system.world.units.filter(({ service }) => service.options.projection)
  return [
    ...named,
    ...subscribed,
    ...projections.map(({ service }) => ({ level: 'rebuild' as const, service: service.name })),
  ]
}

/** What its subscription claims, and for a call that was sent whoever serves it. */
function claimedBy({ unit, type, subscription }: Place): readonly Level[] {
  const served = [...unit.service.calls.values()].find((call) => call.type.label === requestedBy(type.label))
  return [...new Set([...(subscription.options.claims ?? []), ...(served?.options.claims ?? [])])]
}

/** Declarations that no pair has borne out; of pairs that were left out nothing is known. */
export function staleDeclarations(system: System, cells: readonly Cell[], left: Iterable<Pair> = []): string[] {
  const unknown = [...left]
  return system.world.units.flatMap(({ service }) =>
    [...new Set(handledBy(service).map(({ subscription }) => subscription))].flatMap((subscription) =>
      (subscription.options.dependsOn ?? []).flatMap(([type, why]) => {
        const about = cells.filter(
          (cell) =>
            cell.service === service.name &&
            cell.declared &&
            [cell.a, cell.b].some((name) => isMeant(type, name.split('@')[0] as string)),
        )
        const isUnknown = unknown.some(
          ({ a, b }) => a.unit.service === service && [a, b].some((one) => isMeant(type, one.type.label)),
        )
        const borneOut = isUnknown || about.some(({ verdict }) => verdict === 'declared' || verdict === 'withheld')
        return borneOut
          ? []
          : [
              `${service.name}/${subscription.name}: dependsOn ${type.label} ('${why}') is not borne out by any trial; take it out`,
            ]
      }),
    ),
  )
}
