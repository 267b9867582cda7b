import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checkCount, parseFor, wholeNumber, wordsOf } from './arguments.ts'
import { commands } from './commands.ts'
import { describeFailure, UsageError } from './failure.ts'
import { helpOf, helpOfOne } from './help.ts'

const command = (name: string) => {
  const found = commands.find((one) => one.name === name)
  assert.ok(found)
  return found
}

function usage(attempt: () => unknown, message: RegExp): void {
  assert.throws(attempt, (error) => {
    assert.ok(error instanceof UsageError)
    assert.match(error.message, message)
    assert.equal(describeFailure(error, false).exit, 64)
    return true
  })
}

test('global options may stand before the command', () => {
  assert.deepEqual(wordsOf(['--dir', 'x', '--json', 'dead', 'list', '--limit', '5']), ['dead', 'list'])
  assert.deepEqual(wordsOf(['--dir=x', 'publish', '-']), ['publish', '-'])
  const { positionals, values } = parseFor(command('run'), ['--dir', 'x', 'run', 'a', '--processes=2', 'b'])
  assert.deepEqual(positionals, ['a', 'b'])
  assert.deepEqual(values, { dir: 'x', processes: '2' })
})

test('an unknown option is named, with the nearest one', () => {
  usage(() => parseFor(command('tail'), ['tail', '--folow']), /'--folow'; did you mean '--follow'/)
  usage(() => parseFor(command('tail'), ['tail', '-x']), /unknown option '-x'/)
  usage(() => parseFor(command('run'), ['run', '--supervize']), /did you mean '--(?!supervised)/)
})

test('an option without its value, and a value without its option', () => {
  usage(() => parseFor(command('tail'), ['tail', '--limit']), /--limit needs a value/)
  usage(() => parseFor(command('tail'), ['tail', '--json=1']), /--json takes no value/)
})

test('too few and too many arguments are told with how it is used', () => {
  usage(() => checkCount(command('dead show'), []), /skerry dead show ID/)
  usage(() => checkCount(command('pause'), ['a', 'b']), /'b' is one too many/)
})

test('numbers are whole and within their range', () => {
  assert.equal(wholeNumber({ limit: '5' }, 'limit', 1), 5)
  assert.equal(wholeNumber({}, 'limit', 1), undefined)
  for (const limit of ['0', '-1', '1.5', 'many', '99999999999999999999', ''])
    usage(() => wholeNumber({ limit }, 'limit', 1), /--limit/)
})

test('the help names every command, and no hidden option', () => {
  const help = helpOf(commands)
  for (const one of commands) assert.ok(help.includes(`skerry ${one.name}`))
  assert.ok(!helpOfOne(command('run')).includes('--supervised'))
  assert.match(helpOfOne(command('tail')), /-f, --follow +go on/)
})

test('a failure is one line, whatever its message', () => {
  assert.deepEqual(describeFailure(new Error('a\n  b'), false), { line: 'skerry: failed: a; b', exit: 1 })
  assert.deepEqual(describeFailure(new UsageError('x'), true), {
    line: '{"error":{"code":"usage","message":"x"}}',
    exit: 64,
  })
})
