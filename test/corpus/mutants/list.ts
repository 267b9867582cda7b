/**
 * node test/corpus/mutants/list.ts [--seed 7] [--most N] [--tell] [NAME…]
 *
 * Lists mutants of the correct forms and of the shop, the same ones each time: all, or N drawn by the seed. With --tell brute
 * force says of each whether it can be told from its original, and which verdicts change. --json gives one line for each.
 */
import { parseArgs } from 'node:util'
import { draw } from './draw.ts'
import { mutantsOf, originals } from './originals.ts'
import { tell } from './tell.ts'

const { values, positionals } = parseArgs({
  options: {
    seed: { type: 'string', default: '7' },
    most: { type: 'string' },
    tell: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
  },
  allowPositionals: true,
})

const all = (await originals()).flatMap(mutantsOf)
const wanted = all.filter(({ original }) => positionals.length === 0 || positionals.includes(original.name))
const chosen = values.most ? draw(wanted, Number(values.most), values.seed) : wanted
let told = 0
let byVerdict = 0

for (const mutant of chosen) {
  const { id, operator, file, line } = mutant
  const verdict = values.tell ? await tell(mutant) : undefined
  if (verdict?.differs) told++
  if (verdict && verdict.cells.length > 0) byVerdict++
  if (values.json) console.log(JSON.stringify({ id, operator, file, line, ...verdict }))
  else console.log(`${id}  ${operator}  ${file}:${line}${verdict ? `  ${print(verdict)}` : ''}`)
}
if (!values.json) {
  const counted = values.tell ? `, ${told} told from their originals, ${byVerdict} of them by a verdict` : ''
  console.log(`${chosen.length} mutants${counted}`)
}

function print({ broken, differs, cells }: Awaited<ReturnType<typeof tell>>): string {
  if (broken) return `does not load: ${broken}`
  if (cells.length > 0) return [...new Set(cells.map(({ level, a, b }) => `${level} ${a} × ${b}`))].join(', ')
  return differs ? 'ends otherwise' : 'cannot be told from its original'
}
