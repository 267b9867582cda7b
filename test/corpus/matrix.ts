/**
 * node test/corpus/matrix.ts NAME…     what brute force says of every pair and level of these programs
 *
 * An aid for whoever writes or doubts an `expected.json`. `!` marks what differs from it; a cell that is not expected has no mark.
 */
import { join } from 'node:path'
import { judge, type Question, servicesOf } from './brute/judge.ts'
import { handledBy } from './brute/world.ts'
import { cellsOf, checksOf, forms, type Level, levels, programs } from './expected.ts'

const trials = Number(process.env.TRIALS ?? 150)
const expectedOnly = process.env.EXPECTED === '1'
const ordered = new Set<Level>(['redelivery', 're-publication', 'isolated-failure'])

for (const program of programs().filter(({ name }) => process.argv.slice(2).includes(name)))
  for (const form of forms) {
    const checks = await checksOf(program.folder)
    for (const service of await servicesOf(join(program.folder, form, 'service.ts'))) {
      const labels = [...handledBy(service).keys()]
      const expected = cellsOf(program, form).filter((cell) => cell.service === service.name)
      const all: Question[] = []
      for (const level of levels)
        for (const [at, a] of labels.entries())
          for (const b of ordered.has(level) ? labels : labels.slice(at))
            if (level !== 'rebuild' || service.options.projection)
              all.push({ service: service.name, a, b, level, as: 'unordered' })
      for (const cell of expected) if (cell.as === 'contract') all.push(cell)
      const asked = expectedOnly ? expected : all
      const answers = await judge(service, checks, asked, () => trials)
      for (const [{ a, b, level, as }, { found, trials }] of answers) {
        const same = (cell: Question) => cell.level === level && cell.as === as && cell.a === a && cell.b === b
        const swapped = (cell: Question) => !ordered.has(level) && same({ ...cell, a: cell.b, b: cell.a })
        const known = expected.find((cell) => same(cell) || swapped(cell))
        const wrong = known && (known.verdict === 'independent') === (found !== undefined)
        const verdict = found ? `dependent after ${found.trial}` : `nothing in ${trials}`
        const mark = known ? (wrong ? '!' : '=') : ' '
        console.log(`${mark} ${program.name} ${form} ${service.name} ${level} ${as} ${a} × ${b}: ${verdict}`)
        if (process.env.WHY && (wrong || process.env.WHY === 'all')) console.log(found?.break)
      }
    }
  }
