import { mkdir } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Server, ServerKind, StartServer } from '../servers/kinds.ts'
import { freePort } from '../servers/process.ts'

const mostTries = 50

/** A server that is killed and comes back under the same address, with the same data. */
export class Broker {
  readonly folder: string
  readonly port: number
  readonly #kind: ServerKind
  readonly #options: StartServer
  #server: Server | undefined

  private constructor(kind: ServerKind, folder: string, port: number, options: StartServer) {
    this.#kind = kind
    this.folder = folder
    this.port = port
    this.#options = options
  }

  static async start(kind: ServerKind, folder: string, options: StartServer): Promise<Broker> {
    await mkdir(folder, { recursive: true })
    const broker = new Broker(kind, folder, options.port ?? (await freePort()), options)
    await broker.start()
    return broker
  }

  get pid(): number {
    if (!this.#server) throw new Error('the server is down')
    return this.#server.pid
  }

  /** Whether its process is there: one whose disk is full may end by itself. */
  get alive(): boolean {
    try {
      process.kill(this.pid, 0)
      return true
    } catch {
      return false
    }
  }

  async kill(): Promise<void> {
    await this.#server?.kill()
    this.#server = undefined
  }

  /** In good order. */
  async stop(): Promise<void> {
    await this.#server?.stop()
    this.#server = undefined
  }

  /** `settings` beside those of the first start. */
  async start(settings?: Readonly<Record<string, string>>): Promise<void> {
    // What a killed server held of the machine is free a moment later.
    for (let tries = 1; ; tries++) {
      try {
        const all = { ...this.#options.settings, ...settings }
        this.#server = await this.#kind.start(this.folder, { ...this.#options, port: this.port, settings: all })
        return
      } catch (error) {
        if (tries === mostTries) throw error
      }
      await sleep(200)
    }
  }
}
