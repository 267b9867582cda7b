import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SkerryError } from '../errors.ts'
import { describeFailure, exits } from './failure.ts'

test('a failure is one line, in which several problems can be told apart', () => {
  const error = new SkerryError('invalid_config', 'a.yaml:1:2: no\n  a.yaml:3:4: nor this\nbecause:\n  of that')
  const message = 'a.yaml:1:2: no; a.yaml:3:4: nor this; because: of that'
  assert.deepEqual(describeFailure(error, false), { line: `skerry: invalid_config: ${message}`, exit: exits.failed })
  assert.deepEqual(JSON.parse(describeFailure(error, true).line), { error: { code: 'invalid_config', message } })
})
