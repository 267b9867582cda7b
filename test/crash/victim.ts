/**
 * A process that is going to be killed: it runs some of the shop's services, or the importer, until its death comes.
 *
 *     node victim.ts <folder> <data file> importer | <service>…
 */
import { spawn } from 'node:child_process'
import { setTimeout as pause } from 'node:timers/promises'
import { type App, start } from 'skerry'
import { Retail } from '../../examples/shop/retail/contract.ts'
import { kindOf, type RetailRow, readRows } from '../../examples/shop/retail/row.ts'
import { type ServiceName, services } from '../../examples/shop/services.ts'
import type { CrashPoint } from '../../src/telemetry.ts'
import type { When } from './plan.ts'

const rowsAtOnce = 25
const betweenMs = 10

const [folder = '', data = '', ...roles] = process.argv.slice(2)
let armed: When | undefined
let passed = 0
let finishing = process.env.FINISHING === 'yes'

process.on('message', (message: When | 'finish') => {
  if (message === 'finish') finishing = true
  else {
    armed = message
    passed = 0
  }
})
process.on('disconnect', () => process.exit(1))

const imports = roles[0] === 'importer'
const running = imports ? [] : roles.map((name) => services[name as ServiceName])
const app = await start(running, { dir: folder, crash })
// Before the parent hears of us: it may answer at once.
process.on('SIGTERM', () => void app.stop().then(() => process.exit(0)))
process.send?.('ready')
if (imports) {
  await importForEver(app)
  await app.stop()
  process.exit(0)
}

function crash(point: CrashPoint): void {
  if (!armed) return
  if (armed.kind === 'point') {
    if (point === armed.point && ++passed >= armed.passages) dieNow()
  } else if (point.endsWith('.after-commit') && ++passed > armed.count) {
    if (armed.delayMs === 0) dieNow()
    // Another process does it, so that it comes at no particular place of this one.
    spawn('sh', ['-c', `sleep ${armed.delayMs / 1000}; kill -9 ${process.pid}`], { stdio: 'ignore' })
    armed = undefined
  }
}

function dieNow(): void {
  process.kill(process.pid, 'SIGKILL')
}

/** The file over and over, every row of every turn a fact of its own; ends after the turn in which it is told to. */
async function importForEver(into: App): Promise<void> {
  const rows: RetailRow[] = []
  for await (const some of readRows(data)) rows.push(...some)
  for (;;) {
    const publisher = await into.publisher(Retail, 'importer')
    try {
      for (let next = publisher.mark; !(finishing && next % rows.length === 0 && next > 0); ) {
        const count = Math.min(rowsAtOnce, rows.length - (next % rows.length))
        const batch = Array.from({ length: count }, (_, i) => ({
          number: next + i + 1,
          row: rows[(next + i) % rows.length] as RetailRow,
        }))
        await Promise.all(
          batch.map(({ number, row }) => publisher.publish(number, Retail[kindOf(row)], { row: number, ...row })),
        )
        next += count
        // At a pace that the services can follow: a backlog would make batches large and commits, hence deaths, rare.
        await pause(betweenMs)
      }
      return
    } catch (error) {
      // The bus's writer was killed: what is in doubt is sent again under its own numbers.
      if ((error as { code?: string }).code !== 'unavailable' && (error as { code?: string }).code !== 'conflict')
        throw error
    }
  }
}
