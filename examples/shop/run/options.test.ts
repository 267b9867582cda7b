import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseOptions } from './options.ts'

test('options may come with a space or an equals sign, in any order', () => {
  const options = parseOptions(['--json', '--processes=4', '--out', 'there', '--data', 'x.csv'])
  assert.deepEqual(options, { json: true, processes: 4, out: 'there', data: 'x.csv' })
})

test('without options the month runs in one process', () => {
  const options = parseOptions([])
  assert.ok(typeof options === 'object' && 'data' in options)
  assert.match(options.data, /online-retail-2010-12\.csv\.gz$/)
  assert.equal(options.processes, 1)
})

test('what is wrong is named, with the nearest that would be right', () => {
  const problem = (...args: string[]) => {
    const options = parseOptions(args)
    return typeof options === 'object' && 'problem' in options ? options.problem : undefined
  }
  assert.equal(problem('--proceses', '2'), "unknown option '--proceses'; did you mean '--processes'?")
  assert.equal(problem('--jsno'), "unknown option '--jsno'; did you mean '--json'?")
  assert.equal(problem('out'), "unknown option 'out'; did you mean '--out'?")
  assert.match(problem('--out') ?? '', /^--out needs a value/)
  for (const n of ['0', '-1', '1.5', 'many', '65'])
    assert.equal(problem('--processes', n), `--processes '${n}' is not a whole number from 1 to 64`)
})
