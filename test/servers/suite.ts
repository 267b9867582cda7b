import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Durability, Server } from './kinds.ts'
import { postgres } from './postgres.ts'

/** A private PostgreSQL for the tests of one suite: started before them and ended after them. */
export interface SuiteServer {
  /** Without a database's name. */
  readonly url: string
  /** Kills it without warning and starts it again with the same port and data. */
  restart(): Promise<void>
}

/** To be called inside `describe`, which is skipped where there is no PostgreSQL. */
export function postgresForSuite(durability: Durability): SuiteServer {
  let folder = ''
  let server: Server | undefined
  const running = (): Server => {
    if (!server) throw new Error('the server runs only while the tests of its suite do')
    return server
  }
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'skerry-suite-'))
    server = await postgres.start(folder, { durability })
  })
  after(async () => {
    await server?.stop()
    await rm(folder, { recursive: true, force: true })
  })
  return {
    get url() {
      return `postgres://postgres@127.0.0.1:${running().address.port}`
    },
    async restart() {
      const { port } = running().address
      await running().kill()
      server = await persistently(() => postgres.start(folder, { durability, port }))
    },
  }
}

/** Tries until it succeeds: what a killed server held of the machine is free a moment later. */
async function persistently<T>(start: () => Promise<T>): Promise<T> {
  for (let tries = 0; ; tries++) {
    try {
      return await start()
    } catch (error) {
      if (tries === 20) throw error
    }
    await sleep(100)
  }
}
