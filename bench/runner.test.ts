import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { readProfiles } from './profile.ts'
import { isWritten, runOnce } from './runner.ts'
import { Servers } from './servers.ts'
import type { Contender, Options, Scenario } from './types.ts'

let folder: string
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'skerry-bench-test-'))
})
after(() => rm(folder, { recursive: true, force: true }))

const servers = new Servers(false)

const scenario: Scenario = {
  name: 'x',
  title: 'x',
  shows: 'rate',
  core: true,
  rounds: 1,
  perSecond: 0,
  timeoutS: 10,
  contenders: [],
  targets: [],
}

const echo = (options: Options = {}): Contender => ({
  name: 'echo',
  program: 'fixtures/echo.ts',
  durability: 'FULL',
  events: 200,
  options,
})

test('a contender runs in a process of its own, with a fresh folder that is gone afterwards', async () => {
  const outcome = await runOnce(scenario, echo(), { servers, variant: 'sick', scale: 0.1, folder })
  assert.equal(outcome.name, 'echo')
  assert.equal(outcome.events, 20)
  assert.ok(outcome.maxRssMb > 0)
  const [variant, used = ''] = (outcome.notes ?? '').split(' ')
  assert.equal(variant, 'sick')
  assert.ok(used.startsWith(folder))
  assert.ok(!existsSync(used))
  assert.deepEqual(await readdir(folder), [])
})

test('a contender that fails is reported with its own error, and its folder is gone too', async () => {
  const run = runOnce(scenario, echo({ fail: 'no room left' }), { servers, variant: 'clean', scale: 1, folder })
  await assert.rejects(run, /echo failed: Error: no room left/)
  assert.deepEqual(await readdir(folder), [])
})

test('a contender that hangs is ended when its time is over', async () => {
  const run = runOnce({ ...scenario, timeoutS: 1 }, echo({ sleepMs: 60_000 }), {
    servers,
    variant: 'clean',
    scale: 1,
    folder,
  })
  await assert.rejects(run, /echo was not done within 1 s/)
})

test('a contender that is interrupted is ended at once, and its folder is gone too', async () => {
  const signal = AbortSignal.timeout(500)
  const run = runOnce(scenario, echo({ sleepMs: 60_000 }), { servers, variant: 'clean', scale: 1, folder, signal })
  await assert.rejects(run, /echo failed/)
  assert.deepEqual(await readdir(folder), [])
})

test('a profile is written where it is asked for', async () => {
  const profiles = await mkdtemp(join(tmpdir(), 'skerry-bench-test-profile-'))
  await runOnce(scenario, echo(), { servers, variant: 'clean', scale: 1, folder, profiles })
  assert.ok(readProfiles(profiles).length > 0)
  await rm(profiles, { recursive: true })
})

test('a contender without a program is known as not written yet', () => {
  assert.ok(isWritten(echo()))
  assert.ok(!isWritten({ ...echo(), program: 'contenders/nobody.ts' }))
})
