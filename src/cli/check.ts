import { existsSync, statSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { SkerryError } from '../errors.ts'
import { defaultSeed } from '../independence/check/check.ts'
import { htmlOf } from '../independence/check/html.ts'
import { isFailure, type Report, type Strictness } from '../independence/check/report.ts'
import { exampleLines, terminalLines } from '../independence/check/terminal.ts'
import { annotationLines } from './annotations.ts'
import { wholeNumber } from './arguments.ts'
import { changesSince } from './changes.ts'
import { wordsFor } from './checkable.ts'
import type { Command, Invocation } from './command.ts'
import { exits, UsageError } from './failure.ts'
import type { Output } from './output.ts'
import { oversee } from './overseeing.ts'

export const check: Command = {
  name: 'check',
  usage: 'check [PATH] [--changed[=REF]] [--only SERVICE[:A[,B]]]',
  summary: 'run the handlers of all services in every order that matters, and show which events depend on one another',
  details: `PATH is a folder (its check.ts, or every service.ts in it), a service's module, or a module with
'export default check(…)'; the working folder by default. Nothing outside of memory is touched.
Exit code 1 on a dependence that nobody declared and that the application can reach, and on whatever could not be checked
as it was declared.
--changed asks git, what is not committed included, and the report says what was left out and why. A pair without a table in
common counts as independent only where every statement of both ran.`,
  options: {
    seed: { type: 'string', value: 'N', help: `tries the same things again (default ${defaultSeed})` },
    replay: { type: 'string', value: 'SEED:N', help: 'show one example of a report again' },
    changed: {
      type: 'optional',
      value: 'REF',
      help: 'check what changed since a commit can have affected (default where the branch left the default one)',
    },
    only: {
      type: 'string',
      value: 'NAME',
      help: 'one service, the pairs of one event type, or one pair: orders:placed,cancelled',
    },
    events: {
      type: 'string',
      value: 'FILE',
      help: 'make events of the values of recorded ones, which skerry tail prints, and try some as they were',
    },
    strict: { type: 'boolean', help: 'count dependences that the application was not seen to reach' },
    annotations: {
      type: 'boolean',
      help: 'print what a code review is to show, as workflow commands (always where GITHUB_ACTIONS is true)',
    },
    html: { type: 'string', value: 'FILE', help: 'write the report as one HTML file as well' },
  },
  takes: [0, 2],
  run: runCheck,
}

async function runCheck(invocation: Invocation): Promise<number> {
  const { values, out } = invocation
  const { path, ref } = namesIn(invocation)
  const events = values.events === undefined ? undefined : String(values.events)
  if (values.replay !== undefined) return replay(invocation, { path, events, which: String(values.replay) })
  const seed = wholeNumber(values, 'seed', 0) ?? defaultSeed
  const progress = (done: number, total: number): void => out.progress('pairs', done, total)
  const changes = values.changed === undefined ? undefined : await changesSince(folderOf(path), ref)
  const only = values.only === undefined ? undefined : String(values.only)
  const ended = await oversee({ path, seed, replay: undefined, changes, only, events }, progress)
  if (ended.kind !== 'report') return exits.failed
  const { report } = ended
  const strictness: Strictness = { strict: values.strict === true, claims: report.claims }
  if (values.html !== undefined) writeFileSync(String(values.html), htmlOf(report, strictness))
  if (values.annotations === true || process.env.GITHUB_ACTIONS === 'true') await annotate(report, strictness, out)
  if (out.json) await out.data(dataOf(report))
  else for (const line of terminalLines(report, strictness)) await out.line(line)
  return passes(report, strictness) ? exits.fine : exits.failed
}

/** Beside JSON they go where nobody parses them; a runner of workflows reads both. */
async function annotate(report: Report, strictness: Strictness, out: Output): Promise<void> {
  const working = process.cwd()
  const lines = annotationLines(report, strictness, { working, root: process.env.GITHUB_WORKSPACE ?? working })
  for (const line of lines) {
    if (out.json) out.note(line)
    else await out.line(line)
  }
}

/** `seed` and `cells` stay as they are; the rest may grow. */
function dataOf({ seed, cells, left, wholes, troubles, problems, covered }: Report) {
  return { seed, cells, left, wholes, troubles, problems, covered }
}

/** A word after `--changed` that is no path is a ref. */
function namesIn({ positionals, values: { changed } }: Invocation): { path: string; ref: string | undefined } {
  const isPath = (word: string): boolean => existsSync(word)
  const word = changed === true ? positionals.findLast((one) => !isPath(one)) : undefined
  const paths = positionals.filter((one) => one !== word)
  if (paths.length > 1) throw new UsageError(`check: '${paths[1]}' is one too many; use: skerry ${check.usage}`)
  return { path: paths[0] ?? '.', ref: typeof changed === 'string' ? changed : word }
}

function folderOf(path: string): string {
  const stat = statSync(path, { throwIfNoEntry: false })
  if (!stat) throw new SkerryError('not_found', `there is no ${path}; name a folder, a service or a check.ts`)
  return stat.isDirectory() ? path : dirname(path)
}

/** What could not be looked at has not passed. */
function passes({ cells, problems, troubles, wholes }: Report, strictness: Strictness): boolean {
  const nothing = [problems, troubles, wholes.findings].every((list) => list.length === 0)
  return nothing && !cells.some((cell) => isFailure(cell, strictness))
}

interface Again {
  readonly path: string
  readonly events: string | undefined
  readonly which: string
}

async function replay({ out }: Invocation, { path, events, which }: Again): Promise<number> {
  const found = /^(\d+):(\d+)$/.exec(which)
  if (!found) throw new UsageError(`--replay ${which}: give the numbers that a report shows, such as 7:12`)
  const [seed, number] = [Number(found[1]), Number(found[2])]
  const ended = await oversee({ path, seed, replay: number, changes: undefined, only: undefined, events }, () => {})
  if (ended.kind !== 'example') return exits.failed
  const { example } = ended
  const name = wordsFor(path, events)
  if (!example) {
    await out.line(`example ${which} shows no difference any more`)
    return exits.fine
  }
  if (out.json) await out.data(example)
  else for (const line of exampleLines(example, { name, seed })) await out.line(line)
  return exits.failed
}
