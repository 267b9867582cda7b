import type { Example } from './example.ts'
import { type Cell, isFailure, type Report, type Strictness } from './report.ts'
import {
  meanings,
  orderOf,
  remarks,
  remedyOf,
  type Sign,
  sentence,
  shortNames,
  signOf,
  signs,
  terminalLines,
} from './terminal.ts'

/** The report as one page that needs nothing else: a heat map for each service, each example as two courses side by side. */
export function htmlOf(report: Report, strictness: Strictness): string {
  const services = [...new Set(report.cells.map(({ service }) => service))]
  const failing = report.cells.filter((cell) => isFailure(cell, strictness)).length + report.wholes.findings.length
  const maps = services.map((service) => heatMap(report, service))
  const known = (Object.keys(signs) as Sign[]).filter((sign) =>
    maps.some((map) => map.includes(`class="${cssOf(sign)}"`)),
  )
  const legend = known.map((sign) => `<span><i class="${cssOf(sign)}">${signs[sign]}</i>${meanings[sign]}</span>`)
  const [failed, others] = [true, false].map((fails) =>
    report.examples.filter((example) => cellsOf(report, example).some((cell) => isFailure(cell, strictness)) === fails),
  ) as [Example[], Example[]]
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<title>skerry check ${escaped(report.name)}</title><style>${style}</style></head><body>
<h1>skerry check ${escaped(report.name)}</h1>
<p>Seed ${report.seed}, ${report.pairs} ${report.pairs === 1 ? 'pair' : 'pairs'}, ${(report.ms / 1000).toFixed(1)} s; ${failing === 0 ? 'nothing to mend' : `${failing} to mend`}.</p>
<p class="legend">${legend.join(' ')}</p>
${maps.join('\n')}
${wholesOf(report)}
${examplesOf('Examples', failed, report)}
${examplesOf('Examples of what need not be mended', others, report)}
<h2>Remarks</h2>
<ul class="remarks">${remarks(report, strictness)
    .map((line) => `<li>${escaped(line)}</li>`)
    .join('\n')}</ul>
<details><summary>The same in words</summary><pre>${escaped(terminalLines(report, strictness).join('\n'))}</pre></details>
</body></html>
`
}

const cssOf = (sign: Sign): string => `s-${sign.replaceAll(' ', '-')}`

/** Both halves: whoever looks for a pair finds it in either row. */
function heatMap({ cells, examples }: Report, service: string): string {
  const numbers = new Set(examples.map(({ number }) => number))
  const own = cells.filter((cell) => cell.service === service && cell.a !== '*')
  const names = [...new Set(own.flatMap(({ a, b }) => [a, b]))]
  const short = shortNames(names)
  const heading = (name: string, scope: string): string =>
    `<th scope="${scope}" title="${escaped(name)}">${escaped(short.get(name) as string)}</th>`
  const rows = names.map((a) => `<tr>${heading(a, 'row')}${names.map((b) => square(own, a, b, numbers)).join('')}</tr>`)
  const upright = names.length > 5 ? ' class="many"' : ''
  return `<section><h2>${escaped(service)}</h2><div class="wide"><table${upright}>
<tr><td></td>${names.map((name) => heading(name, 'col')).join('')}</tr>
${rows.join('\n')}</table></div></section>`
}

function square(own: readonly Cell[], a: string, b: string, numbers: ReadonlySet<number>): string {
  const both = own.filter((cell) => (cell.a === a && cell.b === b) || (cell.a === b && cell.b === a))
  const sign = signOf(both)
  if (!sign) return '<td></td>'
  const lines = both.map(
    (cell) =>
      `${cell.level}, ${orderOf(cell)}: ${cell.verdict}${cell.touched > 0 ? `, ${cell.touched} of ${cell.trials} trials shared a row` : ''}`,
  )
  const worse = both.filter(
    ({ level, verdict, example }) =>
      verdict !== 'independent' && level !== 'conflict-free' && numbers.has(example ?? -1),
  )
  const shown = sign === 'independent' ? undefined : (worse.find(({ as }) => as === 'contract') ?? worse[0])
  const text = shown ? `<a href="#e${shown.example}">${signs[sign]}</a>` : signs[sign]
  return `<td class="${cssOf(sign)}" title="${escaped(`${a} × ${b}\n${lines.join('\n')}`)}">${text}</td>`
}

/** All services together: each finding as the course that led to it. */
function wholesOf({ wholes: { sets, schedules, sampled, findings } }: Report): string {
  if (sets === 0 && findings.length === 0) return ''
  const shown = findings.map(
    ({ kind, what, first, order, sampled: bySample }) =>
      `<section class="whole"><h3>${kind}: ${escaped(what)}${bySample ? ' (sampled)' : ''}</h3>
<div class="both">${listOf('published', first)}${listOf('handled', order)}</div></section>`,
  )
  return `<h2>All services together</h2>
<p>${sets} sets of events in ${schedules} orders${sampled > 0 ? `, and ${sampled} sampled beyond` : ''}: ${findings.length === 0 ? 'nothing to mend' : `${findings.length} to mend`}.</p>
${shown.join('\n')}`
}

function examplesOf(title: string, examples: readonly Example[], report: Report): string {
  if (examples.length === 0) return ''
  return `<h2>${title}</h2>\n${examples.map((example) => diagram(example, report)).join('\n')}`
}

const cellsOf = ({ cells }: Report, { number }: Example): Cell[] => cells.filter(({ example }) => example === number)

/** Each step's colour says whose it is: the pair's first event, its second one, or neither. */
function listOf(title: string, steps: readonly string[], whose: (step: string) => string = () => ''): string {
  return `<div><h4>${title}</h4><ol>${steps.map((step) => `<li class="${whose(step)}">${escaped(step)}</li>`).join('')}</ol></div>`
}

function diagram(example: Example, report: Report): string {
  const { firstRead, schedules, rows, number } = example
  const [cell] = cellsOf(report, example)
  const about = cell
    ? `${cell.a} × ${cell.b} ${sentence(cell)} (${orderOf(cell)}, ${cell.reachable ? 'reachable' : 'possible'})`
    : example.level
  const whose = (step: string): string => {
    if (step === schedules[0][0] || step.startsWith('a ')) return 'a'
    return step === schedules[0][1] || step.startsWith('b ') ? 'b' : ''
  }
  const line = (what: string, left: string, right: string): string =>
    left === '' && right === ''
      ? ''
      : `<tr><th scope="row">${escaped(what)}</th><td>${escaped(left) || '–'}</td><td>${escaped(right) || '–'}</td></tr>`
  const both = (what: string, [left, right]: readonly [readonly string[], readonly string[]]): string =>
    line(what, left.join(', '), right.join(', '))
  return `<section id="e${number}"><h3>${escaped(`${example.service}: ${about}`)}</h3>
${example.before.length > 0 ? listOf('before', example.before) : ''}
<div class="both">${listOf('A', schedules[0], whose)}${listOf('B', schedules[1], whose)}</div>
<div class="wide"><table class="ends"><tr><td></td><th scope="col">A</th><th scope="col">B</th></tr>
${firstRead ? line(`first read that differs, ${firstRead.site}`, firstRead.left, firstRead.right) : ''}
${rows.map(({ what, left, right }) => line(what, left, right)).join('\n')}
${both('emitted', example.emitted)}${both('became', example.became)}${both('done outside', example.outside)}
</table></div>
<p>Remedy <code>${escaped(remedyOf(example))}</code><br>Again <code>skerry check ${escaped(report.name)} --replay ${report.seed}:${number}</code></p></section>`
}

const style = `:root{color-scheme:light dark;--text:#222;--page:#fff;--line:#ddd;--soft:#f4f4f4;--faint:#666;--a:#1565c0;--b:#b35900}
@media(prefers-color-scheme:dark){:root{--text:#ddd;--page:#181818;--line:#444;--soft:#242424;--faint:#999;--a:#64b5f6;--b:#ffb74d}}
body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:70rem;padding:0 1rem;color:var(--text);background:var(--page)}
h1{font-size:clamp(1.3rem,4vw,1.9rem)}h1,h3{overflow-wrap:anywhere}h2{margin-top:2.5rem}h3{margin:2rem 0 .5rem;font-size:1rem}h4{margin:0 0 .3rem;color:var(--faint)}
.wide{overflow-x:auto}table{border-collapse:collapse;margin:.5rem 0}
th,td{border:1px solid var(--line);padding:.3rem .6rem;text-align:left;font-weight:400;vertical-align:top}tr:first-child>td:first-child{border:0}
.ends th,.ends td{overflow-wrap:anywhere;min-width:5rem}th{color:var(--faint)}
.many th[scope=col]{writing-mode:vertical-rl;transform:rotate(180deg)}
[class^=s-]{min-width:2.5rem;text-align:center;color:#fff}[class^=s-] a{display:block;color:#fff}
.s-independent{background:#2e7d32}.s-dependent{background:#c62828}.s-declared{background:#1565c0}.s-not-exercised{background:#757575}
.s-withheld{background:#6a1b9a}.s-order{background:#a15c00}
.legend span{white-space:nowrap;margin-right:1rem}.legend i{display:inline-block;min-width:1.5em;margin-right:.4em;font-style:normal}
.both{display:flex;gap:2rem}.both>div{flex:1;min-width:0}ol{list-style:none;margin:0 0 .8rem;padding:0;counter-reset:n}
li{overflow-wrap:anywhere}ol li{border:1px solid var(--line);border-left:4px solid var(--faint);background:var(--soft);border-radius:3px;padding:.2rem .6rem;font:13px/1.5 ui-monospace,monospace;counter-increment:n}
ol li::before{content:counter(n) " ";color:var(--faint)}ol li+li{margin-top:1.1rem;position:relative}
ol li+li::after{content:"↓";position:absolute;top:-1.3rem;left:.5rem;color:var(--faint)}ol li.a{border-left-color:var(--a)}ol li.b{border-left-color:var(--b)}
section:target h3{outline:2px solid var(--a);outline-offset:4px}code{font:13px/1.5 ui-monospace,monospace;overflow-wrap:anywhere}
.remarks{padding-left:1.2rem}summary{cursor:pointer;margin:1.5rem 0 .5rem}pre{background:var(--soft);padding:1rem;overflow:auto;font-size:13px}
@media(max-width:40rem){.both{flex-direction:column;gap:0}body{margin:1rem auto}}`

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')
}
