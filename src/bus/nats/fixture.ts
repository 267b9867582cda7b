import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after } from 'node:test'
import type { Server } from '../../../test/servers/kinds.ts'
import { startNats } from '../../../test/servers/nats.ts'
import { randomIdentity } from '../../ids.ts'
import type { Bus } from '../bus.ts'
import type { BusFixture, Limits, MakeBusFixture } from '../conformance.ts'
import { type NatsBusOptions, openNatsBus } from './open.ts'

export interface NatsFixture extends BusFixture {
  readonly app: string
  readonly server: PrivateServer
  open(options?: Limits & Partial<NatsBusOptions>): Promise<Bus>
}

interface Choice {
  readonly durability: 'NORMAL' | 'FULL'
  /** One that could sync first. */
  readonly newer: boolean
}

/** A server with a folder of its own, which comes back under the same address with the same data. */
export class PrivateServer {
  readonly folder: string
  readonly #choice: Choice
  #running: Server

  private constructor(folder: string, running: Server, choice: Choice) {
    this.folder = folder
    this.#running = running
    this.#choice = choice
  }

  /** `NORMAL`, since no test can cut the power. */
  static async start(choice: Choice = { durability: 'NORMAL', newer: false }): Promise<PrivateServer> {
    const folder = await mkdtemp(join(tmpdir(), 'skerry-nats-'))
    return new PrivateServer(folder, await startNats(folder, choice), choice)
  }

  get url(): string {
    const { host, port } = this.#running.address
    return `nats://${host}:${port}`
  }

  get port(): number {
    return this.#running.address.port
  }

  get monitor(): string {
    return `http://${this.#running.monitor?.host}:${this.#running.monitor?.port}`
  }

  get pid(): number {
    return this.#running.pid
  }

  kill(): Promise<void> {
    return this.#running.kill()
  }

  stop(): Promise<void> {
    return this.#running.stop()
  }

  async startAgain(): Promise<void> {
    this.#running = await startNats(this.folder, { ...this.#choice, port: this.port })
  }

  /** Deletes all that a server which was ended has stored. */
  wipe(): Promise<void> {
    return rm(join(this.folder, 'jetstream'), { recursive: true })
  }

  async dispose(): Promise<void> {
    await this.kill()
    await rm(this.folder, { recursive: true })
  }
}

let shared: Promise<PrivateServer> | undefined

/** One server for the tests of a file that leave it alone: each has an application of its own there. */
export function sharedServer(choice?: Choice): Promise<PrivateServer> {
  shared ??= PrivateServer.start(choice)
  return shared
}

export async function disposeShared(): Promise<void> {
  const server = await shared
  shared = undefined
  await server?.dispose()
}

type Needs = { readonly restart?: boolean }

async function make(needs: Needs, choice?: Choice): Promise<NatsFixture> {
  const server = needs.restart ? await PrivateServer.start(choice) : await sharedServer(choice)
  const app = `test-${randomIdentity().slice(0, 12)}`
  const synced = choice?.durability === 'FULL'
  return {
    app,
    server,
    open: ({ keepBytes, ...options } = {}) =>
      openNatsBus({
        url: server.url,
        app,
        ...(synced ? { monitor: server.monitor } : { durability: 'engine' }),
        ...(keepBytes ? { retention: { bytes: keepBytes } } : {}),
        ...options,
      }),
    async restart() {
      await server.kill()
      await server.startAgain()
    },
    async dispose() {
      if (needs.restart) await server.dispose()
    },
  }
}

const abilities = { limits: ['maxBytes', 'segmentBytes', 'keepBytes'] as const, restartable: true }

export const natsFixture: ((needs?: Needs) => Promise<NatsFixture>) & MakeBusFixture = Object.assign(
  (needs: Needs = {}) => make(needs),
  abilities,
)

/** On a server that syncs before it acknowledges; nothing of it has to be accepted. */
export const syncedNatsFixture: MakeBusFixture = Object.assign(
  (needs: Needs = {}) => make(needs, { durability: 'FULL', newer: true }),
  abilities,
)

/** For a test file that uses the shared server: ends it after the last test. */
export function endsShared(): void {
  after(disposeShared)
}
