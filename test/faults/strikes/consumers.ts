import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as sleep } from 'node:timers/promises'
import { type ServiceName, serviceNames } from '../../../examples/shop/services.ts'
import type { Joined } from '../month.ts'
import { between, moments, pick } from '../plan.ts'
import { everywhere, type Fault, type Scene } from '../scene.ts'
import { until } from '../waiting.ts'

export const consumerKilled: Fault = {
  name: 'consumer-kill',
  about: 'service processes are killed with kill -9, eight times',
  on: everywhere,
  async strike({ month, random, struck, recovers }) {
    for (const at of moments(random, 8)) {
      await month.reaches(at)
      process.kill(pick(random, month.workers()), 'SIGKILL')
      struck()
      await recovers()
    }
  },
}

export const consumerPaused: Fault = {
  name: 'pause',
  about: 'a process with lanes of its own is stopped, and wakes after they have gone to others, twice',
  on: everywhere,
  async strike(scene) {
    const { month, books, random, struck, recovers } = scene
    const [join = 0, ...pauses] = moments(random, 3, 0.05, 0.6)
    await month.reaches(join)
    const sleeper = await month.join(serviceNames)
    // Where one process of a store is fed at a time, the one that came last gets nothing while the others live.
    for (const pid of month.workers()) process.kill(pid, 'SIGKILL')
    for (const at of pauses) {
      await month.reaches(at)
      await until(async () => (await books.sharesOf(sleeper.pid, serviceNames)) > 0, 'the process has lanes')
      await stopOutsideTransaction(scene, sleeper)
      await until(async () => (await books.sharesOf(sleeper.pid, serviceNames)) === 0, 'others have its lanes')
      if (month.over) throw new Error('the run ended before the process woke')
      sleeper.kill('SIGCONT')
      struck()
      await recovers()
    }
    await leave(sleeper)
  },
}

export const rebalance: Fault = {
  name: 'rebalance',
  about: 'processes join, and leave in order or by kill -9, under load, six times',
  on: everywhere,
  async strike({ month, random, struck, recovers }) {
    const there: Joined[] = []
    // A process takes its time to start: later ones would find little left to do.
    for (const at of moments(random, 6, 0.03, 0.45)) {
      await month.reaches(at)
      const services = pick<readonly ServiceName[]>(random, [
        ['orders', 'inventory'],
        ['carts', 'ledger'],
        serviceNames,
      ])
      there.push(await month.join(services))
      struck()
      if (there.length > 2) {
        const leaving = there.shift() as Joined
        if (random() < 0.3) leaving.kill()
        else await leave(leaving)
      }
      await recovers()
    }
    for (const joined of there) await leave(joined)
  },
}

async function leave(joined: Joined): Promise<void> {
  joined.kill('SIGTERM')
  const ended = await joined.ended
  if (ended !== 0) throw new Error(`a process that was to leave in order ended with ${ended}`)
}

/** Within a transaction it would hold the file's lock, which nobody can take from it. */
async function stopOutsideTransaction({ store, month, random }: Scene, joined: Joined): Promise<void> {
  for (let tries = 0; tries < 100; tries++) {
    joined.kill('SIGSTOP')
    if (store !== 'sqlite' || joined.services.every((service) => isFree(join(month.state, `${service}.db`)))) return
    joined.kill('SIGCONT')
    await sleep(between(random, 1, 20))
  }
  throw new Error('the process was within a transaction a hundred times')
}

/** Longer than any transaction of a process that runs. */
const lockMs = 1000

function isFree(file: string): boolean {
  const database = new DatabaseSync(file, { timeout: lockMs })
  try {
    database.exec('begin immediate; rollback')
    return true
  } catch {
    return false
  } finally {
    database.close()
  }
}
