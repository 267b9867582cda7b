import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Bus } from '../bus.ts'
import type { BusFixture, Limits, MakeBusFixture } from '../conformance.ts'
import { Child, writerAmong } from './child.ts'
import { openSqliteBus, type SqliteBusOptions } from './open.ts'

export interface SqliteFixture extends BusFixture {
  readonly file: string
  open(options?: Limits & Partial<SqliteBusOptions>): Promise<Bus>
}

async function make(needs: { readonly restart?: boolean } = {}): Promise<SqliteFixture> {
  const folder = await mkdtemp(join(tmpdir(), 'skerry-bus-'))
  const file = join(folder, 'bus.db')
  const hosts = needs.restart ? await Hosts.start(file) : undefined
  return {
    file,
    // `normal`, since no test can cut the power. With hosts, those write: the test's own process must survive them.
    open: ({ keepBytes, ...options } = {}) =>
      openSqliteBus({
        file,
        durability: 'normal',
        lead: !hosts,
        ...(keepBytes ? { retention: { bytes: keepBytes } } : {}),
        ...options,
      }),
    restart: async () => hosts?.replaceWriter(),
    async dispose() {
      await hosts?.stop()
      await rm(folder, { recursive: true })
    },
  }
}

export const sqliteFixture: MakeBusFixture & typeof make = Object.assign(make, {
  limits: ['maxBytes', 'segmentBytes', 'keepBytes'] as const,
  restartable: true,
})

/** Two processes that can write: one does, and the other takes over when it is killed. */
class Hosts {
  readonly #file: string
  #running: Child[] = []

  private constructor(file: string) {
    this.#file = file
  }

  static async start(file: string): Promise<Hosts> {
    const hosts = new Hosts(file)
    await hosts.#add()
    await hosts.#add()
    return hosts
  }

  async replaceWriter(): Promise<void> {
    const bus = await openSqliteBus({ file: this.#file, lead: false })
    const writer = await writerAmong(bus, this.#running)
    await bus.close()
    this.#running = this.#running.filter((host) => host !== writer)
    await writer.kill()
    await this.#add()
  }

  async stop(): Promise<void> {
    await Promise.all(this.#running.map((host) => host.kill()))
  }

  async #add(): Promise<void> {
    const host = new Child(this.#file)
    this.#running.push(host)
    await host.says('open')
  }
}
