import type { TestServer } from '../../bus/rabbitmq/fixture.ts'
import { openRabbitmqBus } from '../../bus/rabbitmq/open.ts'
import { randomIdentity } from '../../ids.ts'
import { systemClock } from '../../time.ts'
import type { FlowFixture, JoinElsewhere } from '../conformance/fixture.ts'
import { join as joinSqlite, sqliteFixture } from '../sqlite/fixture.ts'

interface Place {
  readonly url: string
  readonly app: string
  readonly folder: string
}

/** RabbitMQ with SQLite stores. */
export async function rabbitmqFixture(server: TestServer): Promise<FlowFixture> {
  const stores = await sqliteFixture()
  const app = `test-${randomIdentity().slice(0, 8)}`
  const place: Place = { url: await server.url(), app, folder: stores.elsewhere.location }
  const location = JSON.stringify(place)
  return {
    ...join(location),
    handsOut: true,
    elsewhere: { module: import.meta.url, location },
    fillDisk: stores.fillDisk,
    copy: (part) => (part === 'bus' ? server.copy() : stores.copy(part)),
    remove: (part) => (part === 'bus' ? server.clear(app) : stores.remove(part)),
    async dispose() {
      await server.clear(app)
      await stores.dispose()
    },
  }
}

export const join: JoinElsewhere = (location) => {
  const { url, app, folder } = JSON.parse(location) as Place
  return {
    // Waits for the server take real time, whatever the test's clock says.
    openBus: () => openRabbitmqBus({ url, app, clock: systemClock }),
    openStore: joinSqlite(folder).openStore,
  }
}
