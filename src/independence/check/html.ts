import type { Example } from './example.ts'
import { type Cell, isFailure, type Report, type Strictness } from './report.ts'
import { terminalLines } from './terminal.ts'

const colours: Readonly<Record<Cell['verdict'], string>> = {
  independent: '#2e7d32',
  dependent: '#c62828',
  declared: '#1565c0',
  'not exercised': '#9e9e9e',
  withheld: '#6a1b9a',
}

/** The report as one page that needs nothing else: a heat map for each service, each example as two courses side by side. */
export function htmlOf(report: Report, strictness: Strictness): string {
  const services = [...new Set(report.cells.map(({ service }) => service))]
  const failing = report.cells.filter((cell) => isFailure(cell, strictness)).length + report.wholes.findings.length
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>skerry check ${escaped(report.name)}</title><style>${style}</style></head><body>
<h1>skerry check ${escaped(report.name)}</h1>
<p>Seed ${report.seed}, ${report.pairs} pairs, ${(report.ms / 1000).toFixed(1)} s; ${failing === 0 ? 'nothing to mend' : `${failing} to mend`}.</p>
<p class="legend">${Object.entries(colours)
    .map(([verdict, colour]) => `<span><i style="background:${colour}"></i>${verdict}</span>`)
    .join(' ')}</p>
${services.map((service) => heatMap(report.cells, service)).join('\n')}
${wholesOf(report)}
<h2>Examples</h2>
${report.examples.map(diagram).join('\n')}
<h2>In words</h2>
<pre>${escaped(terminalLines(report, strictness).join('\n'))}</pre>
</body></html>
`
}

function heatMap(cells: readonly Cell[], service: string): string {
  const own = cells.filter((cell) => cell.service === service && cell.as === 'contract' && cell.level === 'commuting')
  const names = [...new Set(own.flatMap(({ a, b }) => [a, b]))]
  const find = (a: string, b: string): Cell | undefined =>
    own.find((cell) => (cell.a === a && cell.b === b) || (cell.a === b && cell.b === a))
  const square = (a: string, b: string): string => {
    const cell = find(a, b)
    if (!cell) return '<td></td>'
    const title = `${a} × ${b}: ${cell.verdict}, ${cell.touched} of ${cell.trials} trials shared a row`
    const text = cell.example === null ? '' : `<a href="#e${cell.example}">${cell.example}</a>`
    return `<td style="background:${colours[cell.verdict]}" title="${escaped(title)}">${text}</td>`
  }
  return `<h2>${escaped(service)}</h2><table><tr><th></th>${names.map((name) => `<th>${escaped(name)}</th>`).join('')}</tr>
${names.map((a) => `<tr><th>${escaped(a)}</th>${names.map((b) => square(a, b)).join('')}</tr>`).join('\n')}</table>`
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

function listOf(title: string, steps: readonly string[]): string {
  return `<div><h4>${title}</h4><ol>${steps.map((step) => `<li>${escaped(step)}</li>`).join('')}</ol></div>`
}

function diagram(example: Example): string {
  const rows = example.rows
    .map(
      ({ what, left, right }) =>
        `<tr><th>${escaped(what)}</th><td>${escaped(left)}</td><td>${escaped(right)}</td></tr>`,
    )
    .join('')
  const { firstRead } = example
  return `<section id="e${example.number}"><h3>${escaped(example.service)}, ${example.level}, number ${example.number}</h3>
${example.before.length > 0 ? listOf('before', example.before) : ''}
<div class="both">${listOf('A', example.schedules[0])}${listOf('B', example.schedules[1])}</div>
<table><tr><th></th><th>A</th><th>B</th></tr>
${firstRead ? `<tr><th>first read that differs, ${escaped(firstRead.site)}</th><td>${escaped(firstRead.left)}</td><td>${escaped(firstRead.right)}</td></tr>` : ''}
${rows}
<tr><th>emitted</th><td>${escaped(example.emitted[0].join(', '))}</td><td>${escaped(example.emitted[1].join(', '))}</td></tr>
</table></section>`
}

const style = `body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:70rem;padding:0 1rem;color:#222;background:#fff}
table{border-collapse:collapse;margin:.5rem 0}th,td{border:1px solid #ddd;padding:.3rem .6rem;text-align:left;font-weight:400}
td[style]{width:2.5rem;text-align:center}td a{color:#fff}.legend i{display:inline-block;width:1em;height:1em;margin:0 .3em 0 1em;vertical-align:-.1em}
.both{display:flex;gap:2rem}.both div{flex:1;border-left:3px solid #888;padding-left:1rem}pre{background:#f6f6f6;padding:1rem;overflow:auto}
@media(prefers-color-scheme:dark){body{background:#181818;color:#ddd}th,td{border-color:#444}pre{background:#222}}`

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')
}
