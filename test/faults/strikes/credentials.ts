import { setTimeout as sleep } from 'node:timers/promises'
import { engines, passwords } from '../engines.ts'
import { between, moments } from '../plan.ts'
import { everywhere, type Fault } from '../scene.ts'

export const credentials: Fault = {
  name: 'credentials',
  about: "the month's password is changed at the broker and changed back, twice",
  on: everywhere,
  needs: 'login',
  async strike({ engine, month, broker, random, struck, recovers }) {
    for (const at of moments(random, 2)) {
      await month.reaches(at)
      await engines[engine].letIn(broker, passwords.other)
      struck()
      await sleep(between(random, 2000, 12_000))
      await engines[engine].letIn(broker, passwords.right)
      await recovers()
    }
  },
}
