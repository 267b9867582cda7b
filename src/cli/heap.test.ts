import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { test } from 'node:test'
import { keepHeapSmall } from './heap.ts'

const allocating = `
  const { getHeapSpaceStatistics } = await import('node:v8')
  if (process.argv[1] === 'small') (await import(${JSON.stringify(new URL('./heap.ts', import.meta.url).href)})).keepHeapSmall()
  let kept = []
  for (let n = 0; n < 3_000_000; n++) {
    kept.push({ n, text: 'x' + n })
    if (kept.length > 20_000) kept = []
  }
  console.log(getHeapSpaceStatistics().find(({ space_name }) => space_name === 'new_space').space_size)
`

test('a heap that is kept small does not let its young generation grow', () => {
  const youngBytes = (how: string): number => {
    const flags = ['--disable-warning=ExperimentalWarning', '--input-type=module', '--eval', allocating, how]
    return Number(
      spawnSync(process.execPath, flags, { encoding: 'utf8', env: { ...process.env, NODE_OPTIONS: '' } }).stdout,
    )
  }
  const [small, usual] = [youngBytes('small'), youngBytes('usual')]
  assert.ok(small > 0 && small * 4 <= usual, `${small} bytes beside ${usual}`)
})

test('a heap that users size themselves stays as they said', () => {
  const flagsBeside = (given: string): string[] => {
    const flags: string[] = []
    keepHeapSmall(given, (flag) => flags.push(flag))
    return flags
  }
  assert.equal(flagsBeside('--inspect').length, 2)
  assert.deepEqual(flagsBeside('--max-semi-space-size=64'), [])
  assert.deepEqual(flagsBeside('--max_old_space_size=4096 --inspect'), [])
})
