import type { Example } from './example.ts'
import { enough } from './pairs.ts'
import { boundAfter, type Cell, isFailure, isPossible, type LeftOut, type Report, type Strictness } from './report.ts'

/** What a cell of the matrix says. */
export const signs = {
  independent: '·',
  dependent: '✗',
  declared: 'd',
  'not exercised': '?',
  withheld: 'w',
  order: 'o',
} as const
export type Sign = keyof typeof signs

export const meanings: Readonly<Record<Sign, string>> = {
  independent: 'independent',
  dependent: 'dependent',
  declared: 'declared',
  'not exercised': 'not exercised',
  withheld: 'withheld',
  order: 'dependent where order breaks',
}

/** The report for a person, line by line. */
export function terminalLines(report: Report, strictness: Strictness): string[] {
  const { name, seed, pairs, ms } = report
  const services = [...new Set(report.cells.map(({ service }) => service))]
  const shown = new Set<Sign>()
  const matrices = services.flatMap((service) => matrix(report.cells, service, shown))
  const legend = (Object.keys(signs) as Sign[]).filter((sign) => shown.has(sign))
  return [
    `skerry check ${name}    seed ${seed}   ${pairs} ${pairs === 1 ? 'pair' : 'pairs'}   ${(ms / 1000).toFixed(1)} s`,
    ...matrices,
    ...(legend.length > 0 ? [`  ${legend.map((sign) => `${signs[sign]} ${meanings[sign]}`).join('  ')}`] : []),
    '',
    ...failures(report, strictness),
    ...together(report),
    ...remarks(report, strictness),
  ]
}

/** One half is enough: a pair is the same either way round. */
function matrix(cells: readonly Cell[], service: string, shown: Set<Sign>): string[] {
  const own = cells.filter((cell) => cell.service === service && cell.a !== '*')
  const names = [...new Set(own.flatMap(({ a, b }) => [a, b]))]
  if (names.length === 0) return []
  const short = shortNames(names)
  const first = Math.max(service.length, ...names.map((name) => (short.get(name) as string).length + 2))
  const widths = names.map((name) => (short.get(name) as string).length)
  const header = `${service.padEnd(first)}  ${names.map((name) => short.get(name)).join('  ')}`
  const rows = names.map((a, row) => {
    const line = names.map((b, column) => {
      if (column < row) return ''.padEnd(widths[column] as number)
      const sign = signOf(own.filter((cell) => (cell.a === a && cell.b === b) || (cell.a === b && cell.b === a)))
      if (sign) shown.add(sign)
      return centred(sign ? signs[sign] : ' ', widths[column] as number)
    })
    return `${`  ${short.get(a)}`.padEnd(first)}  ${line.join('  ')}`.trimEnd()
  })
  return [header, ...rows]
}

/** Without the service, unless two services have events of one name. */
export function shortNames(names: readonly string[]): Map<string, string> {
  const own = (name: string): string => name.slice(name.indexOf('.') + 1)
  return new Map(
    names.map((name) => [name, names.filter((other) => own(other) === own(name)).length > 1 ? name : own(name)]),
  )
}

/** What a pair comes to, of all levels that must always hold. */
export function signOf(cells: readonly Cell[]): Sign | undefined {
  const always = cells.filter(({ level }) => ['commuting', 'race-free', 'isolated', 'redelivery'].includes(level))
  const contract = always.filter(({ as }) => as === 'contract')
  const verdicts = new Set(contract.map(({ verdict }) => verdict))
  for (const verdict of ['dependent', 'withheld', 'declared'] as const) if (verdicts.has(verdict)) return verdict
  if (always.some(({ as, verdict }) => as === 'unordered' && verdict === 'dependent')) return 'order'
  return contract.find(({ level }) => level === 'commuting')?.verdict
}

function centred(sign: string, width: number): string {
  const left = Math.floor((width - 1) / 2)
  return `${' '.repeat(left)}${sign}`.padEnd(width)
}

function failures(report: Report, strictness: Strictness): string[] {
  const failing = report.cells.filter((cell) => isFailure(cell, strictness))
  return failing.flatMap((cell) => {
    const example = report.examples.find(({ number }) => number === cell.example)
    const how = cell.reachable ? 'reachable' : 'possible'
    const title = `✗ ${cell.service}: ${cell.a} × ${cell.b} ${sentence(cell)} (${orderOf(cell)}, ${how})`
    return [title, ...(example ? exampleLines(example, report) : []), '']
  })
}

/** What went wrong with all services together, and how much was run. */
function together({ wholes: { sets, schedules, sampled, findings } }: Report): string[] {
  const lines = findings.flatMap(({ kind, what, first, order, sampled: bySample }) => [
    `✗ together (${kind}${bySample ? ', sampled' : ''}): ${what}`,
    '   published',
    ...first.map((line) => `     ${line}`),
    ...(kind === 'endless' ? [] : ['   handled', ...order.map((line, at) => `     ${at + 1} ${line}`)]),
    '',
  ])
  const beyond = sampled > 0 ? `, and ${sampled} sampled beyond` : ''
  return sets === 0 ? lines : [...lines, `together: ${sets} sets of events in ${schedules} orders${beyond}`]
}

/** A verdict says nothing about what never ran. */
function ranBranches({ covered }: Report): string[] {
  if (!covered) return []
  const never = covered.never.length > 0 ? `; never: ${covered.never.join(', ')}` : ''
  return [`Branches run ${Math.floor(100 * covered.branches)} %${never}`]
}

function recordedLines({ recorded }: Report): string[] {
  if (!recorded) return []
  const { events, types, others, refused } = recorded
  const handled = others > 0 ? [`${others} of types that nobody here handles`] : []
  const wrong = refused.length > 0 ? [`${refused.length} refused by their contracts, first ${refused[0]}`] : []
  const rest = [...handled, ...wrong].map((text) => `; ${text}`).join('')
  return [
    `Recorded: ${events} ${events === 1 ? 'event' : 'events'} of ${types} ${types === 1 ? 'type' : 'types'}${rest}`,
  ]
}

export function orderOf({ as }: Cell): string {
  return as === 'contract' ? 'as subscribed' : 'unordered'
}

const sentences: Readonly<Record<Cell['level'], string>> = {
  commuting: 'do not commute',
  'race-free': 'race: their steps, interleaved, come to what neither order does',
  'conflict-free': 'meet in a row',
  isolated: 'are not isolated: one that failed changes what the other does',
  redelivery: 'do not survive being handled again',
  republication: 'count the same fact twice',
  rebuild: 'come to something else when the store is rebuilt from the log',
  invariant: 'break an invariant',
}

/** As the end of a sentence that begins with two events. */
export function sentence({ level }: Cell): string {
  return sentences[level]
}

/** The two schedules side by side, and what came of each. */
export function exampleLines(example: Example, report: Pick<Report, 'name' | 'seed'>): string[] {
  const [left, right] = example.schedules
  const width = Math.max(24, ...left.map((step) => step.length + 3))
  const steps = Array.from({ length: Math.max(left.length, right.length) }, (_, at) => {
    const cell = (steps: readonly string[]): string => (steps[at] === undefined ? '' : `${at + 1} ${steps[at]}`)
    return `   ${cell(left).padEnd(width)} ${cell(right)}`.trimEnd()
  })
  const before = example.before.length > 0 ? ['   before', ...example.before.map((line) => `     ${line}`)] : []
  const { firstRead } = example
  return [
    ...before,
    `   ${'A'.padEnd(width)} B`,
    ...steps,
    ...(firstRead
      ? [
          `   first read that differs   ${firstRead.site || firstRead.text.trim().split('\n')[0]}   A ${firstRead.left}   B ${firstRead.right}`,
        ]
      : []),
    ...example.rows.map(({ what, left, right }) => `   ${what}   A ${left}   B ${right}`),
    ...both('emitted', example.emitted),
    ...both('became', example.became),
    ...both('done outside', example.outside),
    `   remedy   ${remedyOf(example)}`,
    `   replay   skerry check ${report.name} --replay ${report.seed}:${example.number}`,
  ]
}

function both(what: string, [left, right]: readonly [readonly string[], readonly string[]]): string[] {
  if (left.length === 0 && right.length === 0) return []
  return [`   ${what}   A ${left.join(', ') || '–'}   B ${right.join(', ') || '–'}`]
}

/** What was not tried, service by service. */
function leftLines({ left, cells }: Report): string[] {
  const groups = Map.groupBy(left, ({ service, why }) => `${service}\n${why}`)
  return [...groups.values()].map((group) => {
    const { service, why } = group[0] as LeftOut
    const some = cells.some((cell) => cell.service === service) ? `${group.length} of its pairs` : 'all of it'
    return `- ${service}: ${some} left out: ${why}`
  })
}

/** The page of the guide that is most likely to help. */
export function remedyOf({ level, rows, became, emitted }: Example): string {
  const page = 'docs/guide/patterns.md'
  if (level === 'race-free') return `${page}#versions`
  if (level === 'republication') return `${page}#keys`
  if (level === 'isolated' || level === 'redelivery') return `${page}#memory`
  if (became.some((list) => list.length > 0)) return `${page}#out-of-order`
  if (rows.some(({ left, right }) => left === '–' || right === '–')) return `${page}#tombstones`
  if (rows.length > 0)
    return rows.every(({ left, right }) => isNumber(left) && isNumber(right)) ? `${page}#additions` : `${page}#winners`
  return emitted.some((list) => list.length > 0) ? `${page}#snapshots` : page
}

const isNumber = (text: string): boolean => text !== '' && !Number.isNaN(Number(text))

/** What else there is to say, line by line. */
export function remarks(report: Report, strictness: Strictness): string[] {
  const { cells, troubles, problems, unrun } = report
  const commuting = cells.filter(({ level, as }) => level === 'commuting' && as === 'contract')
  const possible = cells.filter((cell) => isPossible(cell, strictness))
  const order = commuting.filter(
    ({ service, a, b, verdict }) =>
      verdict === 'independent' &&
      cells.some(
        (cell) =>
          cell.as === 'unordered' &&
          cell.level === 'commuting' &&
          cell.service === service &&
          cell.a === a &&
          cell.b === b &&
          cell.verdict === 'dependent',
      ),
  )
  const unexercised = commuting.filter(({ verdict }) => verdict === 'not exercised')
  return [
    ...possible.map(
      (cell) =>
        `~ ${cell.service}: ${cell.a} × ${cell.b} ${sentence(cell)}, in states that the application was not seen to reach (--strict counts it)`,
    ),
    ...order.map(
      ({ service, a, b }) =>
        `o ${service}: ${a} × ${b} depend on order, which the subscription asks for; a redrive or a rebalance can break it`,
    ),
    ...unexercised.map(
      ({ service, a, b, trials, touched }) =>
        `? ${service}: ${a} × ${b}: ${touched} of ${trials} trials shared a row${unrun.some((pair) => pair.service === service && pair.a === a && pair.b === b) ? ', and some statement never ran' : ''}; add a generator`,
    ),
    ...leftLines(report),
    ...troubles.map(
      ({ reader, type, what, site }) =>
        `w ${reader} on ${type} ${what}${site ? ` (${site})` : ''}; nothing is said about it`,
    ),
    ...problems.map((problem) => `! ${problem}`),
    ...recordedLines(report),
    ...ranBranches(report),
    `· means ≥ ${enough} touching trials, or no table in common: ≤ ${(boundAfter(enough) * 100).toFixed(1)} % of generated cases differ (95 %)`,
  ]
}
