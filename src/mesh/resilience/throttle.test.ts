import assert from 'node:assert/strict'
import { test } from 'node:test'
import { seededRandom } from '../../ids.ts'
import { Throttle } from './throttle.ts'

/** A service that takes so many calls a second, asked so often a second for some seconds: what was sent in the last of them. */
function ask(throttle: Throttle, from: number, seconds: number, perSecond: number, takes: number): number {
  const random = seededRandom(`${from}`)
  let sent = 0
  for (let s = from; s < from + seconds; s++) {
    sent = 0
    for (let n = 0; n < perSecond; n++) {
      const now = s * 1000 + (n * 1000) / perSecond
      if (throttle.admits(now, random)) throttle.ended(sent++ >= takes, now)
    }
  }
  return sent
}

test('a service that takes everything gets everything', () => {
  assert.equal(ask(new Throttle(), 0, 30, 1000, 1000), 1000)
})

test('one that turns away half is still asked for nearly everything', () => {
  assert.ok(ask(new Throttle(), 0, 30, 1000, 500) >= 900)
})

test('of what is far more than a service takes, about twice what it takes is sent', () => {
  const sent = ask(new Throttle(), 0, 30, 10_000, 500)
  assert.ok(sent > 800 && sent < 1300, `${sent}`)
})

test('a client with little to do is not held back', () => {
  assert.equal(ask(new Throttle(), 0, 30, 10, 0), 10)
})

test('ten seconds after a service takes everything again it is asked for everything again', () => {
  const throttle = new Throttle()
  ask(throttle, 0, 30, 1000, 50)
  assert.ok(ask(throttle, 30, 12, 1000, 1000) >= 990)
})
