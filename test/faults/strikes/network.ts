import { setTimeout as sleep } from 'node:timers/promises'
import { between, moments } from '../plan.ts'
import { everywhere, type Fault } from '../scene.ts'

export const cut: Fault = {
  name: 'cut',
  about: 'all connections to the broker are cut, ten times',
  on: everywhere,
  needs: 'passage',
  async strike({ month, passage, random, struck, recovers }) {
    for (const at of moments(random, 10)) {
      await month.reaches(at)
      passage.cut()
      struck()
      await recovers()
    }
  },
}

export const blackHole: Fault = {
  name: 'black-hole',
  about: 'connections fall silent without an end: first those that are there, then all for a while',
  on: everywhere,
  needs: 'passage',
  async strike({ month, passage, random, struck, recovers }) {
    const [first = 0, second = 0] = moments(random, 2)
    await month.reaches(first)
    passage.blackHole()
    await recovers()
    if (passage.swallowed > 0) struck()
    await month.reaches(second)
    passage.swallow()
    await sleep(between(random, 5000, 20_000))
    passage.recover()
    struck()
    await recovers()
  },
}
