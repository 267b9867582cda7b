import assert from 'node:assert/strict'
import { test } from 'node:test'
import { draw } from '../mutants/draw.ts'
import { mutantsOf, originals } from '../mutants/originals.ts'
import { isBreaking, isReported } from './killed.ts'
import { judged } from './mutants.ts'

const sample = 4
const seed = '7'

test('the checker reports every mutant of a sample that breaks what held', async () => {
  // Changed keys of contracts mostly change nothing, and the shop takes as long as all the others.
  const corpus = (await originals()).filter(({ name }) => name !== 'shop')
  const mutants = corpus.flatMap(mutantsOf).filter(({ operator }) => operator !== 'key changed')
  const judgements = []
  for (const mutant of draw(mutants, sample, seed))
    judgements.push(await judged(mutant, { seed, baseline: false, breakingOnly: true }))
  const breaking = judgements.filter(isBreaking)
  assert.ok(breaking.length >= sample / 2, `${breaking.length} of ${sample} break anything`)
  assert.deepEqual(
    breaking.filter(({ checker }) => !isReported(checker)).map(({ id, failed }) => failed ?? id),
    [],
  )
})
