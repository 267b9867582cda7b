import { after, before, describe } from 'node:test'
import { missing } from '../../../test/servers/needs.ts'
import { serverVersion } from '../../../test/servers/servers.ts'
import { type Broker, removeTopics, startBroker } from '../../bus/kafka/fixture.ts'
import { openKafkaBus } from '../../bus/kafka/open.ts'
import { randomIdentity } from '../../ids.ts'
import { systemClock } from '../../time.ts'
import type { FlowFixture, JoinElsewhere } from '../conformance/fixture.ts'
import type { FlowPart } from '../conformance.ts'
import { join as joinSqlite, sqliteFixture } from '../sqlite/fixture.ts'

/** What mostly waits, for brokers to start and for the dead to be missed: a file of its own, which runs beside the rest. */
export const slowParts: readonly FlowPart[] = ['copies', 'crashing']

/** A private broker for the tests of one file. */
export function onBroker(suite: (broker: () => Broker) => void): void {
  describe('on a private broker', { skip: missing('kafka') }, () => {
    let broker: Broker
    before(async () => {
      broker = await startBroker(serverVersion('kafka') as string)
    })
    after(() => broker.dispose())
    suite(() => broker)
  })
}

const settings = {
  durability: 'engine',
  partitions: 4,
  // Some tests kill processes, and wait until their partitions are free.
  sessionTimeoutMs: 3_000,
  // Waits for the broker take real time, whatever the test's clock says.
  clock: systemClock,
} as const

interface Place {
  readonly url: string
  readonly app: string
  readonly folder: string
}

/** Kafka with SQLite stores. */
export async function kafkaFixture(broker: Broker): Promise<FlowFixture> {
  const stores = await sqliteFixture()
  const app = `test-${randomIdentity().slice(0, 8)}`
  const place: Place = { url: broker.url, app, folder: stores.elsewhere.location }
  const location = JSON.stringify(place)
  return {
    ...join(location),
    handsOut: true,
    elsewhere: { module: import.meta.url, location },
    fillDisk: stores.fillDisk,
    copy: (part) => (part === 'bus' ? broker.copy() : stores.copy(part)),
    remove: (part) => (part === 'bus' ? removeTopics(broker.url, app) : stores.remove(part)),
    async dispose() {
      await removeTopics(broker.url, app)
      await stores.dispose()
    },
  }
}

export const join: JoinElsewhere = (location) => {
  const { url, app, folder } = JSON.parse(location) as Place
  return {
    openBus: () => openKafkaBus({ url, app, ...settings }),
    openStore: joinSqlite(folder).openStore,
  }
}
