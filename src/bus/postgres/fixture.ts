import { randomIdentity } from '../../ids.ts'
import type { Bus } from '../bus.ts'
import type { BusFixture, Limits, MakeBusFixture } from '../conformance.ts'
import { openPostgresBus, type PostgresBusOptions } from './open.ts'

/** A server that tests share. */
export interface TestServer {
  /** Without a database's name. */
  readonly url: string
  restart(): Promise<void>
}

export interface PostgresFixture extends BusFixture {
  readonly url: string
  readonly app: string
  open(options?: Limits & Partial<PostgresBusOptions>): Promise<Bus>
}

/** One empty bus: an application of its own on the server. */
export function postgresFixture(server: TestServer) {
  const make = async (needs: { readonly restart?: boolean } = {}): Promise<PostgresFixture> => {
    const url = `${server.url}/postgres`
    const app = randomIdentity()
    return {
      url,
      app,
      // What a killed server had not synced is gone; where nobody kills it, nobody needs to wait for the disk.
      open: ({ keepBytes, ...options } = {}) =>
        openPostgresBus({
          url,
          app,
          durability: needs.restart ? 'synced' : 'engine',
          ...(keepBytes ? { retention: { bytes: keepBytes } } : {}),
          ...options,
        }),
      restart: () => server.restart(),
      async dispose() {},
    }
  }
  const traits: Pick<MakeBusFixture, 'limits' | 'restartable'> = {
    limits: ['maxBytes', 'segmentBytes', 'keepBytes'],
    restartable: true,
  }
  return Object.assign(make, traits)
}
