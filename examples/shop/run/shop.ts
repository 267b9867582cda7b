import { type App, start } from 'skerry'
import { type ServiceName, services } from '../services.ts'
import { type Answers, answer, type Question } from './answer.ts'
import type { RunFolder } from './folder.ts'
import { placement } from './placement.ts'
import { Supervisor } from './supervisor.ts'
import { Latencies, type Vitals } from './vitals.ts'

/** The shop at work, in this process or in several. */
export interface Shop {
  /** For publishing: the importer is an outsider, wherever the services run. */
  readonly app: App
  ask<S extends ServiceName, Q extends Question>(service: S, question: Q): Promise<Answers<S>[Q]>
  /** Of every process that ever ran. */
  vitals(): readonly Vitals[]
  /** Rejects when the shop cannot go on, whatever is tried. */
  readonly broken: Promise<never>
  stop(): Promise<void>
}

/** Where a run is: its folder, and its name on servers. `SKERRY_BUS` and `SKERRY_STORE` say on which engines. */
export type Ground = Pick<RunFolder, 'state' | 'app'>

export async function openShop(ground: Ground, processes: number): Promise<Shop> {
  return processes === 1 ? openHere(ground) : openInProcesses(ground, processes)
}

async function openHere({ state, app: name }: Ground): Promise<Shop> {
  const latencies = new Latencies()
  const app = await start(Object.values(services), { dir: state, app: name, watcher: latencies.watcher })
  return shopOf(app, latencies)
}

/** All services of an app in this process. */
export function shopOf(app: App, latencies = new Latencies()): Shop {
  return {
    app,
    ask: (service, question) => answer(app, service, question) as never,
    vitals: () => [latencies.vitals()],
    broken: new Promise(() => {}),
    stop: () => app.stop(),
  }
}

async function openInProcesses(ground: Ground, processes: number): Promise<Shop> {
  const app = await start([], { dir: ground.state, app: ground.app })
  const supervisor = new Supervisor(ground, placement(processes))
  const stop = async (): Promise<void> => {
    await supervisor.stop()
    await app.stop()
  }
  try {
    // An engine without a log has nothing for a service that was not there yet.
    await supervisor.ready()
  } catch (error) {
    await stop()
    throw error
  }
  return {
    app,
    ask: (service, question) => supervisor.ask(service, question) as never,
    vitals: () => [...supervisor.vitals(), new Latencies().vitals()],
    broken: supervisor.broken,
    stop,
  }
}
