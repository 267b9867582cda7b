import { type CheckOptions, check } from '../../../src/independence/check/check.ts'
import type { Level as Checked } from '../../../src/independence/check/levels.ts'
import type { AnyService } from '../../../src/service.ts'
import type { Checks } from '../checks.ts'
import type { Level } from '../expected.ts'
import type { Judged } from './cells.ts'
import type { Tested } from './testers.ts'

/** Levels by the checker's names. */
const names: Readonly<Record<Checked, Level>> = {
  ...{ commuting: 'commuting', 'race-free': 'race-free', 'conflict-free': 'conflict-free', redelivery: 'redelivery' },
  ...{ rebuild: 'rebuild', republication: 're-publication', isolated: 'isolated-failure', invariant: 'invariants' },
}

/** Has the checker look at services of the corpus. `bare` keeps to itself which values fields are to draw from. */
export async function checked(services: readonly AnyService[], checks: Checks, bare = false): Promise<Tested> {
  for (const service of services) declareOnce(service, checks)
  const { cells, wholes, deliveries } = await check(services, optionsOf(checks, bare)).run()
  const plain = (label: string): string => label.replace(/@.*/, '')
  return {
    cells: cells.map(
      ({ service, a, b, level, as, verdict }): Judged => ({
        ...{ service, a: plain(a), b: plain(b), level: names[level], as, verdict },
      }),
    ),
    wholes: wholes.findings.map(({ kind, what }) => `${kind}: ${what}`),
    deliveries,
  }
}

/** What a contract would say with `once`. */
function declareOnce(service: AnyService, { once = {} }: Checks): void {
  for (const { handlers } of service.subscriptions.values())
    for (const [label, handler] of handlers) {
      const type = Object.create(handler.type, { once: { value: once[label] } })
      if (once[label]) (handlers as Map<string, typeof handler>).set(label, { ...handler, type })
    }
}

function optionsOf(checks: Checks, bare: boolean): CheckOptions {
  const { invariants = {}, outside = {}, opaque = [], leaves = {}, claims } = checks
  const asked = Object.entries(invariants).flatMap(([service, byName]) =>
    Object.entries(byName).map(([name, sql]) => {
      const text = Object.assign([sql], { raw: [sql] })
      return [name, (stores: Record<string, { sql(text: unknown): Promise<unknown[]> }>) => stores[service]?.sql(text)]
    }),
  )
  return {
    opaque,
    values: bare ? {} : leaves,
    invariants: Object.fromEntries(asked),
    outside: Object.fromEntries(
      Object.entries(outside).map(([name, { answer, effect }]) => [
        name,
        effect ? { answer: () => answer, effect } : () => answer,
      ]),
    ),
    claims: claims?.republication ? ['republication'] : [],
  }
}
