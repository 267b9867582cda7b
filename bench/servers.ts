/** The servers of a scenario's runs: fresh ones for each run, or one of each kind for all of them. */
import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Started, startServers } from '../test/servers/servers.ts'
import type { Contender, Run } from './types.ts'

export interface Lent {
  readonly addresses: Run['servers']
  giveBack(): Promise<void>
}

export class Servers {
  readonly #keep: boolean
  readonly #parent: string
  readonly #kept = new Map<string, Started>()
  #folder: string | undefined
  #apps = 0

  /** `folder`: parent of what kept servers store; the system's temporary folder by default. */
  constructor(keep: boolean, folder: string = tmpdir()) {
    this.#keep = keep
    this.#parent = folder
  }

  /** What a contender asks for, in the class that it asks for; fresh ones keep their data in `folder`. */
  async lend({ servers = [], durability }: Contender, folder: string): Promise<Lent> {
    if (!this.#keep) {
      const { addresses, stop } = await startServers(servers, folder, durability)
      return { addresses, giveBack: stop }
    }
    let addresses: Run['servers'] = {}
    for (const name of servers) {
      const id = `${name} ${durability}`
      const started = this.#kept.get(id) ?? (await startServers([name], await this.#folderOf(id), durability))
      this.#kept.set(id, started)
      addresses = { ...addresses, ...started.addresses }
    }
    return { addresses, giveBack: async () => {} }
  }

  /** A name that no other run has on these servers. */
  nextApp(): string {
    return `bench${++this.#apps}`
  }

  async stop(): Promise<void> {
    for (const { stop } of this.#kept.values()) await stop()
    this.#kept.clear()
    if (this.#folder !== undefined) await rm(this.#folder, { recursive: true, force: true })
    this.#folder = undefined
  }

  async #folderOf(id: string): Promise<string> {
    if (this.#folder === undefined) {
      this.#folder = await mkdtemp(join(this.#parent, 'skerry-bench-servers-'))
      // A server may run as another user, and has to reach its own folder inside ours.
      await chmod(this.#folder, 0o711)
    }
    return mkdtemp(join(this.#folder, `${id.replaceAll(' ', '-')}-`))
  }
}
