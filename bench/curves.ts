/** Figures that were taken at several sizes, as tables and as a drawing. Pure. */
import type { Row } from './report.ts'
import type { Spread } from './statistics.ts'

/** What something costs, or how fast it is, against a size. */
export interface Curve {
  readonly contender: string
  readonly figure: string
  /** Of the sizes: `events`, `rows`. */
  readonly unit: string
  readonly points: readonly { readonly size: number; readonly spread: Spread }[]
}

const named = /^(.+), (\d+) (\w+)$/

/** `usPerDelivery, 1000 rows` is a point of a curve. */
export function isPoint(figure: string): boolean {
  return named.test(figure)
}

export function curvesOf({ rows }: { readonly rows: readonly Pick<Row, 'contender' | 'figures'>[] }): Curve[] {
  return rows.flatMap(({ contender, figures = {} }) => {
    const points = Object.entries(figures).flatMap(([name, spread]) => {
      const [, figure = '', size, unit = ''] = named.exec(name) ?? []
      return size === undefined ? [] : [{ figure, unit, size: Number(size), spread }]
    })
    const groups = Map.groupBy(points, ({ figure, unit }) => `${figure} ${unit}`)
    return [...groups.values()].map((group): Curve => {
      const { figure = '', unit = '' } = group[0] ?? {}
      return { contender, figure, unit, points: group.sort((a, b) => a.size - b.size) }
    })
  })
}

/** One table a curve, in Markdown. */
export function curveTable({ contender, figure, unit, points }: Curve): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`
  const range = ({ min, max }: Spread): string => `${short(min)}–${short(max)}`
  return [
    line([`${contender}, ${unit}`, ...points.map(({ size }) => size.toLocaleString('en-GB'))]),
    line(['---', ...points.map(() => '--:')]),
    line([figure, ...points.map(({ spread }) => short(spread.median))]),
    line(['from – to', ...points.map(({ spread }) => range(spread))]),
  ].join('\n')
}

const [panel, height, left, top, inner] = [340, 260, 64, 36, { width: 250, height: 170 }]

/** A panel for each curve; both scales are logarithmic, and a line upwards from a point is where its runs lay. */
export function curvesSvg(curves: readonly Curve[]): string {
  const panels = curves.map((curve, at) => `<g transform="translate(${at * panel} 0)">${panelOf(curve)}</g>`)
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${curves.length * panel}" height="${height}" font-family="system-ui,sans-serif" font-size="12">
<style>text{fill:#333}path,line{stroke:#777;fill:none}.curve{stroke:#1565c0;stroke-width:2}circle{fill:#1565c0}
@media(prefers-color-scheme:dark){text{fill:#ccc}.curve{stroke:#64b5f6}circle{fill:#64b5f6}}</style>
${panels.join('\n')}
</svg>
`
}

function panelOf({ contender, figure, unit, points }: Curve): string {
  const x = scale(
    points.map(({ size }) => size),
    left,
    left + inner.width,
  )
  const values = points.flatMap(({ spread: { min, max } }) => [min, max])
  const y = scale(values, top + inner.height, top, 10)
  const path = points.map(({ size, spread }, at) => `${at === 0 ? 'M' : 'L'}${x(size)} ${y(spread.median)}`).join('')
  const marks = points.map(({ size, spread }) => {
    const whisker = `<line x1="${x(size)}" x2="${x(size)}" y1="${y(spread.min)}" y2="${y(spread.max)}"/>`
    const value = `<text x="${x(size)}" y="${y(spread.median) - 8}" text-anchor="middle">${short(spread.median)}</text>`
    const below = `<text x="${x(size)}" y="${top + inner.height + 28}" text-anchor="middle">${short(size)}</text>`
    return `${whisker}<circle cx="${x(size)}" cy="${y(spread.median)}" r="3"/>${value}${below}`
  })
  const bottom = top + inner.height + 10
  return `<text x="${left}" y="16">${escaped(`${contender}: ${figure} against ${unit}`)}</text>
<path d="M${left - 20} ${top - 10}V${bottom}H${left + inner.width + 20}"/><path class="curve" d="${path}"/>
${marks.join('\n')}`
}

/** Where values lie between two ends; never less than `least` times as far apart, so that what is flat looks flat. */
function scale(values: readonly number[], from: number, to: number, least = 1): (value: number) => number {
  const logs = values.map((value) => Math.log(Math.max(value, 1e-9)))
  const [low, high] = [Math.min(...logs), Math.max(...logs)]
  const wider = Math.max(0, Math.log(least) - (high - low)) / 2
  const span = high - low + 2 * wider
  return (value) => {
    const share = span === 0 ? 0.5 : (Math.log(Math.max(value, 1e-9)) - low + wider) / span
    return Math.round(from + share * (to - from))
  }
}

function short(value: number): string {
  return value >= 100 ? Math.round(value).toLocaleString('en-GB') : String(Number(value.toPrecision(3)))
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;')
}
