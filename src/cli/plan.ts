import type { Bus } from '../bus/bus.ts'
import { openBus } from '../engines.ts'
import { foreignPlan } from '../flow/foreign/plan.ts'
import { type PlanLine, planOf } from '../flow/plan.ts'
import { systemClock } from '../time.ts'
import type { Command, Invocation } from './command.ts'
import { exits } from './failure.ts'
import { loadServices } from './services.ts'
import { placesOf } from './site.ts'

export const plan: Command = {
  name: 'plan',
  usage: 'plan SERVICE…',
  summary: 'show how the engine serves each need of each subscription, and what a power cut can lose',
  details: `native: the engine does it by itself; emulated: Skerry does it on top; absent: it is done without, as the remark says.
A need that cannot be met is refused, as it is at a start, and the exit code is 1. Foreign topics are shown, and not
connected to.`,
  options: {},
  takes: [1, Number.POSITIVE_INFINITY],
  run: runPlan,
}

async function runPlan({ positionals, engine, out }: Invocation): Promise<number> {
  const { bus: place, stores } = placesOf(engine)
  const services = await loadServices(positionals)
  const bus = await openBus({ ...engine, clock: systemClock })
  try {
    const lines = services.flatMap((service) => planOf(service, bus.engine, bus.capabilities))
    const foreign = services.flatMap(foreignPlan)
    const powerCut = atPowerCut(bus)
    if (out.json) await out.data({ bus: bus.engine, stores: stores.engine, powerCut, plan: lines, foreign })
    else {
      await out.line(`bus ${bus.engine} at ${place.shown}, stores on ${stores.engine} at ${stores.shown}`)
      await out.line(`a power cut: ${powerCut}`)
      await out.table(['subscription', 'needs', 'is', 'remark'], lines.map(row))
      if (foreign.length > 0)
        await out.table(
          ['foreign topic', 'is a', 'at', 'promise'],
          foreign.map(({ name, direction, place: at, promise }) => [name, direction, at, promise]),
        )
    }
    return exits.fine
  } finally {
    await bus.close()
  }
}

function row({ subscription, need, grade, remark }: PlanLine): string[] {
  return [subscription, need, grade, remark ?? '']
}

/** What it can take of the events that publishers were told are accepted. */
export function atPowerCut({ engine, capabilities }: Pick<Bus, 'engine' | 'capabilities'>): string {
  if (capabilities.durability === 'synced') return 'loses nothing that was accepted'
  return `at the ${engine} engine can lose what it accepted in its last moments, since it syncs after it acknowledges`
}
