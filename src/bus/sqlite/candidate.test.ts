import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { seededRandom } from '../../ids.ts'
import { noCrash } from '../../telemetry.ts'
import { VirtualClock } from '../../time.ts'
import { until } from '../conformance/fixture.ts'
import { Candidate } from './candidate.ts'
import { createPrivate, placesOf } from './files.ts'
import type { ToMain } from './protocol.ts'
import { Session } from './session.ts'

interface Desk {
  readonly clock: VirtualClock
  readonly candidate: Candidate
  readonly session: Session
  readonly heard: ToMain[]
}

/** A worker's inside, without the thread: leading, on a clock of its own. */
async function onCandidate(run: (desk: Desk) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'skerry-candidate-'))
  const places = placesOf(join(folder, 'bus.db'))
  createPrivate(places.file)
  const clock = new VirtualClock()
  const heard: ToMain[] = []
  const toMain = (message: ToMain): void => void heard.push(message)
  const session = new Session(toMain)
  const none = Number.POSITIVE_INFINITY
  const limits = { maxBytes: none, segmentBytes: 1e6, retention: { ageMs: none, bytes: none } }
  const settings = { ...places, ...limits, lead: true, durability: 'normal' as const, gate: undefined }
  const candidate = new Candidate({ settings, session, clock, random: seededRandom('x'), crash: noCrash, toMain })
  try {
    candidate.start()
    await until(() => heard.some((m) => m.kind === 'writer'), 'it leads')
    await run({ clock, candidate, session, heard })
  } finally {
    candidate.close()
    rmSync(folder, { recursive: true })
  }
}

test('a main thread that answers nothing for five seconds is silent in its groups, until it answers', () =>
  onCandidate(async ({ clock, candidate, session, heard }) => {
    session.pass({ kind: 'join', seat: 1, group: 'g', member: 'm', grant: 0 })
    const members = (id: number): unknown => {
      session.pass({ kind: 'question', id, question: { ask: 'members', group: 'g' } })
      const answer = heard.findLast((m) => m.kind === 'answer')
      return answer?.id === id ? answer.value : 'no answer'
    }
    for (let n = 0; n < 20; n++) {
      await clock.advance(500)
      candidate.hearMain()
    }
    assert.ok(heard.some((m) => m.kind === 'alive?'))
    await clock.advance(4900)
    assert.deepEqual(members(1), ['m'])
    await clock.advance(1000)
    assert.deepEqual(members(2), [])
    candidate.hearMain()
    assert.deepEqual(members(3), ['m'])
  }))

test('a jump of the wall clock is reported with its size, and counted', () =>
  onCandidate(async ({ clock, heard }) => {
    await clock.advance(2000)
    clock.jump(-120_000)
    await clock.advance(1000)
    const facts = heard.flatMap((m) => (m.kind === 'fact' && m.fact.kind === 'clock_jump' ? [m.fact.byMs] : []))
    assert.deepEqual(facts, [-120_000])
    const writer = heard.findLast((m) => m.kind === 'writer')
    assert.equal(writer?.writer.clockJumps, 1)
  }))

test('closing leaves no timer', () =>
  onCandidate(async ({ clock, candidate }) => {
    candidate.close()
    candidate.close()
    assert.equal(clock.pending, 0)
  }))
