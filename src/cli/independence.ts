import type { Relation } from '../independence/measure/counts.ts'
import type { PairSums } from '../independence/measure/fold.ts'
import { keptDays, readSums } from '../independence/measure/records.ts'
import { type Measured, report } from '../independence/measure/report.ts'
import { margin, slight, type Verdict } from '../independence/measure/verdict.ts'
import type { Command, Invocation } from './command.ts'
import { exits, missing } from './failure.ts'
import { count, type Output } from './output.ts'
import { atSite, type Site } from './site.ts'

export const independence: Command = {
  name: 'independence',
  usage: 'independence [SERVICE [EVENT [EVENT]]]',
  summary: 'show how independently events were handled, as measured while services ran',
  details: `A line for each pair of event types that one service handles: the verdict on whether their failures go together, the
odds ratio with its 95 % interval, how many more units would decide, and in how many windows of 100 ms they wrote the same
row. Measured within the last ${keptDays} days; nothing of it is a proof.`,
  options: {},
  takes: [0, 3],
  run: runIndependence,
}

const kept = 'See all with: skerry independence'

async function runIndependence({ positionals, engine, out }: Invocation): Promise<number> {
  const [service, ...events] = positionals
  return atSite(engine, async (site) => {
    const known = await site.services()
    if (service !== undefined && !known.includes(service)) throw missing('service', service, known, kept)
    // All are judged together, whatever is shown: what is striking among few may be chance among many.
    const lines = report(await sumsOf(site, known))
    const ofService = lines.filter((line) => service === undefined || line.service === service)
    const shown = withEvents(ofService, events)
    if (out.json) await out.data(shown)
    else await show(shown, out)
    return exits.fine
  })
}

async function sumsOf(site: Site, services: readonly string[]): Promise<Map<string, readonly PairSums[]>> {
  const sums = new Map<string, readonly PairSums[]>()
  for (const service of services) {
    const store = await site.store(service)
    sums.set(service, await store.read(readSums))
  }
  return sums
}

/** Events may be named as they are shown, or by their type alone. */
function withEvents(lines: readonly Measured[], events: readonly string[]): readonly Measured[] {
  const kinds = [...new Set(lines.flatMap(({ a, b }) => [a, b]))].sort()
  const named = events.map((event) => {
    const found = kinds.filter((kind) => kind === event || kind.endsWith(`/${event}`) || kind.endsWith(`.${event}`))
    if (found.length === 0) throw missing('event', event, kinds.flatMap(namesOf), kept)
    return found
  })
  const [first, second] = named
  if (!first) return lines
  const shown = lines.filter(
    ({ a, b }) =>
      (first.includes(a) && (!second || second.includes(b))) || (first.includes(b) && (!second || second.includes(a))),
  )
  if (shown.length === 0) {
    const pairs = lines.map(({ a, b }) => `${a} ${b}`)
    throw missing('pair', `${events.join(' ')}`, pairs, kept)
  }
  return shown
}

const namesOf = (kind: string): string[] => [kind, kind.slice(kind.indexOf('/') + 1)]

const words: Readonly<Record<Verdict, string>> = {
  dependent: 'dependent',
  'dependent-but-small': 'dependent, but small',
  'independent-within-margin': 'independent within the margin',
  'common-cause': 'common cause',
  'cannot-tell-yet': 'cannot tell yet',
}

const colours: Readonly<Record<Verdict, Parameters<Output['style']>[0]>> = {
  dependent: 'red',
  'dependent-but-small': 'yellow',
  'independent-within-margin': 'green',
  'common-cause': 'magenta',
  'cannot-tell-yet': 'dim',
}

const about: Readonly<Record<Relation, string>> = { 'same-key': 'same key', 'same-moment': 'same moment' }

async function show(lines: readonly Measured[], out: Output): Promise<void> {
  if (lines.length === 0)
    return out.line('nothing measured yet; services measure while they run, unless SKERRY_MEASURE or `measure` is 0')
  await out.table(
    [
      'service',
      'A',
      'B',
      'about',
      'units',
      'A failed',
      'B failed',
      'odds ratio',
      '95 %',
      'needs',
      'same row',
      'verdict',
    ],
    lines.map((line) => [
      ...[line.service, line.a, line.b, about[line.relation], line.units, line.failedA, line.failedB],
      ...oddsOf(line),
      needed(line),
      conflicts(line),
      out.style(colours[line.verdict], verdictOf(line)),
    ]),
  )
  await out.line('')
  await out.line(
    out.style(
      'dim',
      `A unit is a window of 100 ms with both, tried for the first time. Within strata of a second and a class of load.
dependent: false discoveries at most 5 %; small: the odds may change by less than a factor of ${slight};
independent within the margin: a factor of ${margin} is excluded at 95 % on either side. None of it is a proof.`,
    ),
  )
}

function oddsOf({ oddsRatio, failedA, failedB }: Measured): [string, string] {
  if (failedA === 0 || failedB === 0) return ['–', '–']
  return [figure(oddsRatio.value), `${figure(oddsRatio.low)}–${figure(oddsRatio.high)}`]
}

function needed({ needed, failedA, failedB, a, b }: Measured): string {
  if (needed === 0) return '–'
  if (needed !== null) return `${count(needed)} more`
  const missing = new Set([...(failedA === 0 ? [a] : []), ...(failedB === 0 ? [b] : [])])
  return `failures of ${[...missing].join(', ')}`
}

function conflicts({ conflicts: { share, windows, possible, reruns, tables } }: Measured): string {
  if (!share) return reruns > 0 ? `${count(reruns)} reruns` : '–'
  const parts = [`${percent(share.value)} of ${count(windows)} (${percent(share.low)}–${percent(share.high)})`]
  if (possible > 0) parts.push(`${percent(possible / windows)} perhaps`)
  if (reruns > 0) parts.push(`${count(reruns)} reruns`)
  if (tables.length > 0) parts.push(tables.join(', '))
  return parts.join('; ')
}

/** What vanishes within a second is told by how strong it is over an hour. */
const verdictOf = ({ verdict, widest }: Measured): string =>
  verdict === 'common-cause' ? `${words[verdict]}: ${figure(widest.value)} over an hour` : words[verdict]

const figure = (value: number): string =>
  value >= 1000 || value < 0.001 ? value.toExponential(1) : String(Number(value.toPrecision(2)))

const percent = (share: number): string => `${Number((100 * share).toPrecision(2))} %`
