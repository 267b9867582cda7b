import assert from 'node:assert/strict'
import { test } from 'node:test'
import { VirtualClock } from '../../time.ts'
import type { Outcome } from '../request.ts'
import { defaultOutliers, type OutlierPolicy, Outliers } from './outliers.ts'

const ok: Outcome = { kind: 'answered', status: 200 }
const answered = (status: number): Outcome => ({ kind: 'answered', status })
const lost: Outcome = { kind: 'lost', how: 'connect' }

function rig(policy: Partial<OutlierPolicy> = {}, endpoints = 'abcdefghij') {
  const clock = new VirtualClock()
  const outliers = new Outliers({ ...defaultOutliers, ...policy })
  outliers.watch(endpoints)
  const end = (id: string, outcome: Outcome, times = 1): boolean[] =>
    Array.from({ length: times }, () => outliers.ended(id, outcome, clock.monotonic()))
  /** Lets an interval pass and looks at everybody. */
  const sweep = async (times = 1): Promise<boolean> => {
    let changed = false
    for (let i = 0; i < times; i++) {
      await clock.advance(10_000)
      changed = outliers.sweep(clock.monotonic())
    }
    return changed
  }
  return { clock, outliers, end, sweep }
}

test('the fifth gateway error in a row ejects, not the fourth', () => {
  const { outliers, end } = rig()
  assert.deepEqual(end('a', answered(503), 4), [false, false, false, false])
  assert.equal(outliers.isEjected('a'), false)
  assert.deepEqual(end('a', lost), [true])
  assert.equal(outliers.isEjected('a'), true)
  assert.equal(outliers.ejected, 1)
})

test('anything else in between begins anew; what the caller gave up counts for nothing', () => {
  for (const between of [ok, answered(500), answered(429), answered(404)]) {
    const { outliers, end } = rig()
    end('a', answered(502), 4)
    end('a', between)
    end('a', answered(502), 4)
    assert.equal(outliers.isEjected('a'), false)
  }
  const { outliers, end } = rig()
  end('a', answered(502), 4)
  end('a', { kind: 'cancelled' })
  end('a', answered(502))
  assert.equal(outliers.isEjected('a'), true)
})

test('any 5xx ejects where that is asked for, as from Istio', () => {
  const istio = { consecutive5xx: 5, consecutiveGatewayErrors: 0 }
  const { outliers, end } = rig(istio)
  end('a', answered(500), 4)
  end('a', answered(503), 1)
  assert.equal(outliers.isEjected('a'), true)
  const other = rig(istio)
  other.end('a', answered(500), 4)
  other.end('a', answered(429))
  other.end('a', answered(500), 4)
  assert.equal(other.outliers.isEjected('a'), false)
  assert.deepEqual(rig().end('a', answered(500), 50).includes(true), false)
})

test('an ejection lasts half a minute, and ends with an interval', async () => {
  const { outliers, end, sweep } = rig()
  end('a', lost, 5)
  assert.equal(await sweep(2), false)
  assert.equal(outliers.isEjected('a'), true)
  assert.equal(await sweep(), true)
  assert.equal(outliers.isEjected('a'), false)
  assert.equal(outliers.ejected, 0)
})

test('the n-th ejection lasts n times as long, up to five minutes; each interval that goes well takes one off', async () => {
  const { outliers, end, sweep } = rig()
  const lasted: number[] = []
  const eject = async (): Promise<void> => {
    end('a', lost, 5)
    let intervals = 0
    while (outliers.isEjected('a')) {
      await sweep()
      intervals++
    }
    lasted.push(intervals * 10)
  }
  for (let i = 0; i < 11; i++) await eject()
  assert.deepEqual(lasted, [30, 60, 90, 120, 150, 180, 210, 240, 270, 300, 300])
  await sweep(4)
  await eject()
  assert.equal(lasted.at(-1), 210)
  await sweep(100)
  await eject()
  assert.equal(lasted.at(-1), 30)
})

test('no ejection is longer than the longest, though it is no multiple of the first', async () => {
  const { outliers, end, sweep } = rig({ mostEjectionMs: 40_000 })
  for (const lasts of [3, 4, 4]) {
    end('a', lost, 5)
    await sweep(lasts - 1)
    assert.equal(outliers.isEjected('a'), true)
    await sweep()
    assert.equal(outliers.isEjected('a'), false)
  }
})

test('who comes back has a clean slate', async () => {
  const { outliers, end, sweep } = rig({ consecutive5xx: 6 })
  end('a', answered(503), 5)
  await sweep(3)
  end('a', answered(503), 4)
  assert.equal(outliers.isEjected('a'), false)
})

test('at most half are ejected', () => {
  const { outliers, end } = rig({}, 'abcd')
  for (const id of 'abcd') end(id, lost, 5)
  assert.equal(outliers.ejected, 2)
  assert.deepEqual(
    [...'abcd'].map((id) => outliers.isEjected(id)),
    [true, true, false, false],
  )
  const alone = rig({}, 'a')
  alone.end('a', lost, 50)
  assert.equal(alone.outliers.ejected, 0)
})

test('with Istio’s ten per cent one of ten is ejected, and none of nine', () => {
  const ten = rig({ mostEjected: 0.1 })
  for (const id of 'ab') ten.end(id, lost, 5)
  assert.equal(ten.outliers.ejected, 1)
  const nine = rig({ mostEjected: 0.1 }, 'abcdefghi')
  nine.end('a', lost, 5)
  assert.equal(nine.outliers.ejected, 0)
})

test('who failed most of an interval’s requests is ejected, however the failures are mixed with answers', async () => {
  const { outliers, end, sweep } = rig({}, 'abcde')
  for (const id of 'bcde') end(id, ok, 50)
  for (let i = 0; i < 10; i++) {
    end('a', answered(500), 9)
    end('a', ok)
  }
  assert.equal(await sweep(), true)
  assert.equal(outliers.isEjected('a'), true)
  assert.equal(outliers.ejected, 1)
})

test('shares are compared only with enough requests of enough endpoints within one interval', async () => {
  const few = rig({}, 'abcde')
  for (const id of 'bcde') few.end(id, ok, 50)
  few.end('a', answered(500), 49)
  assert.equal(await few.sweep(), false)
  few.end('a', answered(500), 49)
  assert.equal(await few.sweep(), false)
  const idle = rig({}, 'abcde')
  for (const id of 'bcd') idle.end(id, ok, 50)
  idle.end('a', answered(500), 100)
  assert.equal(await idle.sweep(), false)
  const less = rig({}, 'abcde')
  for (const id of 'bcde') less.end(id, ok, 50)
  less.end('a', answered(500), 84)
  less.end('a', ok, 16)
  assert.equal(await less.sweep(), false)
})

test('shares are not looked at where that is not asked for', async () => {
  const { end, sweep } = rig({ failureShare: 0 }, 'abcde')
  for (const id of 'bcde') end(id, ok, 50)
  end('a', answered(500), 100)
  assert.equal(await sweep(), false)
})

test('late outcomes of an endpoint that is out, or gone, change nothing', async () => {
  const { outliers, end, sweep } = rig()
  end('a', lost, 5)
  assert.deepEqual(end('a', lost, 20).includes(true), false)
  await sweep(3)
  assert.equal(outliers.isEjected('a'), false)
  assert.deepEqual(end('z', lost, 20).includes(true), false)
})

test('who leaves is forgotten, who stays is not, and the count follows', () => {
  const { outliers, end } = rig()
  end('a', lost, 5)
  end('b', lost, 5)
  outliers.watch('bcx')
  assert.equal(outliers.ejected, 1)
  assert.equal(outliers.isEjected('b'), true)
  outliers.watch('abc')
  assert.equal(outliers.isEjected('a'), false)
})
