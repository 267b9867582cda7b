import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { systemClock } from '../../../time.ts'
import { Place, Watch } from '../fixture.ts'

/** Set it to see how long things take. */
const say = (what: string, since: number): void => {
  if (process.env.SKERRY_SHOW_TIMES)
    process.stderr.write(`${what}: ${(systemClock.monotonic() - since).toFixed(1)} ms\n`)
}

describe('processes and their registry', () => {
  test('one that is killed is gone, and the others stay', async () => {
    await Place.with(async (place) => {
      await place.registry()
      const watch = new Watch(place.client())
      const children = await Promise.all(['a', 'b', 'c'].map((id) => place.process('instance', id)))
      await watch.ids('a', 'b', 'c')
      const since = systemClock.monotonic()
      children[1]?.kill('SIGKILL')
      await watch.ids('a', 'c')
      say('killed', since)
    })
  })

  test('one that is stopped is gone after its limit of silence, and comes back with the same id', async () => {
    await Place.with(async (place) => {
      const refused: string[] = []
      await place.registry({ onRefused: (why) => refused.push(why) })
      const watch = new Watch(place.client())
      const [a] = await Promise.all(['a', 'b'].map((id) => place.process('instance', id)))
      await watch.ids('a', 'b')
      const since = systemClock.monotonic()
      a?.kill('SIGSTOP')
      await watch.ids('b')
      say('stopped', since)
      assert.deepEqual(refused, ['a client on this machine: nothing was heard for 2500 ms'])
      a?.kill('SIGCONT')
      await watch.ids('a', 'b')
    })
  })

  test('a registry that is killed and begins anew takes nobody away until it has settled, then whoever is gone', async () => {
    await Place.with(async (place) => {
      const registry = await place.process('registry', '10000')
      const watch = new Watch(place.client())
      const [a] = await Promise.all(['a', 'b'].map((id) => place.process('instance', id)))
      await watch.until(({ ids, about }) => ids.length === 2 && about.freshness === 'settling')
      registry.kill('SIGKILL')
      await watch.until(({ about }) => about.freshness === 'kept')
      a?.kill('SIGKILL')
      watch.all.length = 0
      await place.process('registry', '3000')
      await watch.until(({ about }) => about.freshness === 'live')
      assert.deepEqual(watch.last?.ids, ['b'])
      assert.ok(watch.all.slice(0, -1).every(({ ids }) => ids.join() === 'a,b'))
      assert.ok(watch.all.some(({ about }) => about.freshness === 'settling'))
    })
  })

  test('a registry that is stopped keeps nobody waiting: its clients go on, and are there when it goes on', async () => {
    await Place.with(async (place) => {
      const registry = await place.process('registry')
      const watch = new Watch(place.client())
      await place.process('instance', 'a')
      await watch.ids('a')
      registry.kill('SIGSTOP')
      await watch.until(({ ids, about }) => about.freshness === 'kept' && ids[0] === 'a')
      watch.all.length = 0
      registry.kill('SIGCONT')
      await watch.until(({ ids, about }) => about.freshness !== 'kept' && ids[0] === 'a')
    })
  })
})
