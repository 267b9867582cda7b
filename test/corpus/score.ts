/**
 * node test/corpus/score.ts [--mutants] [--baseline] [--sample N] [--seed 7] [--misses] [--json] [--bare] [--keep FILE] [NAME…]
 *
 * How often the checker is right about the corpus. For each level the verdicts of both forms, pooled: recall is the share of
 * dependences that were found, precision the share of findings that are dependences, both with 95 % intervals. What the
 * checker did not exercise, or withheld, is no finding.
 *
 * --mutants    instead: of defects made by machine, which brute force can tell from their originals, the share reported
 * --baseline   beside it a tester that delivers events in random orders, as often as the checker does
 * --sample N   so many programs, or mutants, drawn by the seed
 * --misses     names what was missed, and false alarms
 * --keep FILE  adds each mutant's judgement to a file, and does not judge again what is in it
 * --bare       keeps to itself which values fields are to draw from
 */
import { appendFileSync, existsSync, readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { Output } from '../../src/cli/output.ts'
import { programs } from './expected.ts'
import { draw } from './mutants/draw.ts'
import { mutantsOf, originals } from './mutants/originals.ts'
import { type Judgement, judged } from './scoring/mutants.ts'
import { mutantsText, summaryOf } from './scoring/mutants-report.ts'
import { type Missed, ProgramScores } from './scoring/programs.ts'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    ...{ mutants: { type: 'boolean', default: false }, baseline: { type: 'boolean', default: false } },
    ...{ sample: { type: 'string' }, seed: { type: 'string', default: '7' } },
    ...{ json: { type: 'boolean', default: false }, misses: { type: 'boolean', default: false } },
    ...{ bare: { type: 'boolean', default: false }, keep: { type: 'string' } },
  },
})
const { seed, baseline, json } = values
const out = new Output(json)

await (values.mutants ? scoreMutants() : scorePrograms())

async function scorePrograms(): Promise<void> {
  const scores = new ProgramScores({ seed, baseline, bare: values.bare }, (missed) => {
    if (values.misses) note(textOf(missed))
  })
  for await (const program of inTurn('programs', chosen(programs()))) await scores.add(program, note)
  if (json) process.stdout.write(`${JSON.stringify({ seed, ...scores.result() })}\n`)
  else for (const [tester, table] of scores.tables()) process.stdout.write(`${tester}\n${table}\n`)
}

async function scoreMutants(): Promise<void> {
  const all = (await originals()).filter(({ name }) => positionals.length === 0 || positionals.includes(name))
  const judgements: Judgement[] = []
  const kept = new Map(keptJudgements().map((judgement) => [judgement.id, judgement]))
  for await (const mutant of inTurn('mutants', drawn(all.flatMap(mutantsOf)))) {
    const judgement = kept.get(mutant.id) ?? (await judged(mutant, { seed, baseline }))
    judgements.push(judgement)
    if (values.keep !== undefined && !kept.has(mutant.id)) appendFileSync(values.keep, `${JSON.stringify(judgement)}\n`)
  }
  const summary = summaryOf(judgements, baseline)
  if (json) process.stdout.write(`${JSON.stringify({ seed, ...summary, judgements })}\n`)
  else process.stdout.write(mutantsText(summary, values.misses))
}

function keptJudgements(): Judgement[] {
  if (values.keep === undefined || !existsSync(values.keep)) return []
  return readFileSync(values.keep, 'utf8')
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line))
}

function chosen<T extends { readonly name: string }>(all: readonly T[]): readonly T[] {
  return drawn(all.filter(({ name }) => positionals.length === 0 || positionals.includes(name)))
}

function drawn<T>(all: readonly T[]): readonly T[] {
  return values.sample === undefined ? all : draw(all, Number(values.sample), seed)
}

async function* inTurn<T>(what: string, list: readonly T[]): AsyncGenerator<T> {
  for (const [at, one] of list.entries()) {
    out.progress(what, at, list.length)
    yield one
  }
  out.clear()
}

function note(text: string): void {
  out.clear()
  process.stderr.write(`${text}\n`)
}

function textOf({ tester, program, form, cell, said }: Missed): string {
  const { level, a, b, verdict } = cell
  return `${program} ${form}: ${level} ${a} × ${b} is ${verdict}, ${tester} says ${said}`
}
