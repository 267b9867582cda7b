import { type EngineOptions, openScratch, type Scratch } from '../engines.ts'
import { SkerryError } from '../errors.ts'
import { defaultMaxEventBytes } from '../event.ts'
import { type Replayed, refuseUnlessProjection, refuseWhileServed, replay, swapIn } from '../flow/rebuild.ts'
import { memberName } from '../flow/shares.ts'
import { randomIdentity, seededRandom } from '../ids.ts'
import { bootIdentity } from '../machine.ts'
import type { AnyService } from '../service.ts'
import type { StoreTx } from '../store/store.ts'
import { systemClock } from '../time.ts'
import type { Command, Invocation } from './command.ts'
import { exits } from './failure.ts'
import type { Output } from './output.ts'
import { loadServices } from './services.ts'
import { atSite, placesOf, type Site } from './site.ts'

export const rebuild: Command = {
  name: 'rebuild',
  usage: 'rebuild SERVICE',
  summary: 'make a projection anew from the log; SERVICE is its module or folder',
  details: `Only for services declared with projection: true, while they do not run. The log is handled again into a store beside
the live one, which then takes over its tables and positions in one transaction. Until then nothing changes.`,
  options: {},
  takes: [1, 1],
  run: runRebuild,
}

async function runRebuild({ positionals, engine, out }: Invocation): Promise<number> {
  const services = await loadServices(positionals)
  const [service] = services
  if (!service || services.length > 1)
    throw new SkerryError(
      'invalid_config',
      `${positionals[0]} exports ${services.map((s) => s.name).join(', ')}; name one`,
    )
  refuseUnlessProjection(service)
  placesOf(engine)
  const opened: Scratch[] = []
  try {
    const { handled, deadLetters } = await atSite(engine, (site) => anew(site, service, engine, opened, out))
    if (out.json) await out.data({ service: service.name, handled, deadLetters })
    else {
      const dead = deadLetters > 0 ? `; ${deadLetters} dead letters, see: skerry dead list` : ''
      await out.line(`${service.name} is rebuilt from ${handled} events${dead}`)
    }
    return exits.fine
  } finally {
    for (const scratch of opened) await scratch.remove()
  }
}

/** The scratch store is put into `opened` as soon as there is one: it stays until the live store is closed. */
async function anew(
  site: Site,
  service: AnyService,
  engine: EngineOptions,
  opened: Scratch[],
  out: Output,
): Promise<Replayed> {
  if (!(await site.services()).includes(service.name))
    throw new SkerryError('not_found', `${service.name} has no store in ${site.places.stores.shown}; run it first`)
  const live = await site.store(service.name)
  const bus = await site.bus()
  if (bus.deliver)
    throw new SkerryError(
      'capability_absent',
      `${service.name}: ${bus.engine} does not replay what a projection could be made anew from`,
    )
  const processes = () => site.processes(service.name)
  await refuseWhileServed({ service, processes })
  const { migrations } = service.options
  const scratch = await openScratch(service.name, { ...engine, clock: systemClock, migrations })
  opened.push(scratch)
  let replayed: Replayed
  try {
    replayed = await replay({
      ...{
        service,
        scratch: scratch.store,
        bus,
        clock: systemClock,
        random: seededRandom(randomIdentity()),
        pid: process.pid,
      },
      me: memberName(bootIdentity(), process.pid, randomIdentity().slice(0, 8)),
      maxEventBytes: defaultMaxEventBytes,
      onProgress: (done, head) => out.progress(service.name, done, head),
    })
  } finally {
    await scratch.store.close()
  }
  const adopt = (tx: StoreTx) => scratch.adopt(tx)
  await swapIn({ service, live, bus, marks: replayed.marks, processes, adopt })
  return replayed
}
