import { Retail } from '../../../examples/shop/retail/contract.ts'
import { kindOf, type RetailRow, readRows } from '../../../examples/shop/retail/row.ts'
import type { Bus } from '../../../src/bus/bus.ts'
import { openBus } from '../../../src/engines.ts'
import { codeOf } from '../../../src/errors.ts'
import { compose } from '../../../src/flow/compose.ts'
import { encodeFrame } from '../../../src/frame.ts'
import { uuidv7 } from '../../../src/ids.ts'
import { systemClock } from '../../../src/time.ts'
import { appOf } from '../books.ts'
import { moments } from '../plan.ts'
import { everywhere, type Fault } from '../scene.ts'

const atOnce = 200
const runs = 5

export const duplicates: Fault = {
  name: 'duplicates',
  about: 'a publisher sends again what it has sent, under the same numbers, a thousand rows at a time',
  on: everywhere,
  async strike({ month, busUrl, random, struck, recovers }) {
    const rows: RetailRow[] = []
    for await (const some of readRows(month.data)) rows.push(...some)
    const [first = 0, ...others] = moments(random, 8)
    await month.reaches(first)
    const bus = await openBus({
      ...{ bus: busUrl, app: appOf(month.state) ?? '', dir: month.state, durability: 'engine', clock: systemClock },
    })
    try {
      for (const at of [first, ...others]) {
        await month.reaches(at)
        // Of each row there are five effects at most.
        const sent = Math.floor(((await month.done()) ?? 0) / 5)
        const from = Math.floor(random() * Math.max(0, sent - runs * atOnce))
        for (let n = 0; n < runs; n++) await sendAgain(bus, rows, from + n * atOnce)
        struck()
        await recovers()
      }
    } finally {
      await bus.close()
    }
  },
}

/** As an importer that was killed before it heard of the confirmation: same numbers, new ids. */
async function sendAgain(bus: Bus, rows: readonly RetailRow[], after: number): Promise<void> {
  const records = rows.slice(after, after + atOnce).map((data, n) => {
    const now = systemClock.wall()
    const making = { id: uuidv7(now), now, maxBytes: 1024 * 1024 }
    return compose(Retail[kindOf(data)], { row: after + n + 1, ...data }, undefined, making)
  })
  const frame = encodeFrame(records)
  const numbers = { after, first: after + 1, count: records.length }
  await bus
    .append({ stream: 'retail', producer: 'retail from importer', ...numbers, frame })
    .catch((error: unknown) => {
      // The engine may know better than to take it.
      if (codeOf(error) !== 'conflict') throw error
    })
}
