import { setTimeout as sleep } from 'node:timers/promises'
import { between, moments } from '../plan.ts'
import { everywhere, type Fault } from '../scene.ts'

const kills = 5
const stoppedMs = 60_000

export const brokerKilled: Fault = {
  name: 'broker-kill',
  about: 'the broker is killed with kill -9 and started again, five times',
  on: everywhere,
  async strike({ month, broker, random, struck, recovers }) {
    for (const at of moments(random, kills)) {
      await month.reaches(at)
      await broker.kill()
      struck()
      await sleep(between(random, 0, 1500))
      await broker.start()
      await recovers()
    }
  },
}

export const brokerStopped: Fault = {
  name: 'broker-stop',
  about: 'the broker is stopped for 60 s',
  on: everywhere,
  async strike({ month, broker, random, struck, recovers }) {
    const [at = 0] = moments(random, 1, 0.2, 0.6)
    await month.reaches(at)
    await broker.stop()
    struck()
    await sleep(stoppedMs)
    await broker.start()
    await recovers()
  },
}
