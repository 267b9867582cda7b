import { relative, resolve } from 'node:path'
import { type Cell, isFailure, isPossible, type Report, type Strictness } from '../independence/check/report.ts'
import { exampleLines, sentence } from '../independence/check/terminal.ts'

/** Where the check ran, and the folder that a review names files from. */
export interface Folders {
  readonly working: string
  readonly root: string
}

interface Annotation {
  readonly kind: 'error' | 'warning'
  /** `orders/service.ts:31` from the working folder, or '' for what stands nowhere. */
  readonly site: string
  readonly title: string
  readonly message: string
}

/**
 * What a review is to show beside the code, as workflow commands of GitHub: all that makes the check fail, and as warnings
 * dependences that the application was not seen to reach.
 */
export function annotationLines(report: Report, strictness: Strictness, folders: Folders): string[] {
  const { cells, troubles, wholes, problems, name } = report
  const found: Annotation[] = [
    ...cells.filter((cell) => isFailure(cell, strictness)).map((cell) => about(cell, 'error', report)),
    ...cells.filter((cell) => isPossible(cell, strictness)).map((cell) => about(cell, 'warning', report)),
    ...troubles.map(({ reader, type, what, site }) => {
      const title = `${reader} on ${type} cannot be checked`
      return { kind: 'error', site, title, message: `it ${what}; nothing is said about it` } as const
    }),
    ...wholes.findings.map(({ kind, what, first, order }) => {
      const message = [what, 'published', ...first, 'handled', ...order].join('\n')
      return { kind: 'error', site: '', title: `all services together: ${kind}`, message } as const
    }),
    ...problems.map((message) => ({ kind: 'error', site: '', title: `skerry check ${name}`, message }) as const),
  ]
  return found.map((one) => commandOf(one, folders))
}

/** At the first read that differs; where there is none, at the handler's first statement. */
function about(cell: Cell, kind: Annotation['kind'], report: Report): Annotation {
  const example = report.examples.find(({ number }) => number === cell.example)
  const siteOf = (event: string): string =>
    report.handlers.find((one) => one.service === cell.service && one.event === event)?.site ?? ''
  const how = cell.reachable ? 'reachable' : 'possible'
  return {
    kind,
    site: example?.firstRead?.site || siteOf(cell.a) || siteOf(cell.b),
    title: `${cell.service}: ${cell.a} × ${cell.b} ${sentence(cell)}`,
    message: [`${cell.level}, ${how}`, ...(example ? exampleLines(example, report) : [])].join('\n'),
  }
}

function commandOf({ kind, site, title, message }: Annotation, { working, root }: Folders): string {
  const [, file, line] = /^(.+):(\d+)$/.exec(site) ?? []
  const place = file === undefined ? [] : [`file=${property(relative(root, resolve(working, file)))}`, `line=${line}`]
  return `::${kind} ${[...place, `title=${property(title)}`].join()}::${escaped(message)}`
}

/** A command ends with its line. */
function escaped(text: string): string {
  return text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A')
}

/** Properties end at a comma, the last of them at a colon. */
function property(text: string): string {
  return escaped(text).replaceAll(':', '%3A').replaceAll(',', '%2C')
}
