import { after, before, describe } from 'node:test'
import { missing } from '../../../test/servers/needs.ts'
import { storeConformance } from '../conformance.ts'
import { postgresFixture, type TestServer, testServer } from './fixture.ts'

describe('PostgreSQL', { skip: missing('postgresql') }, () => {
  let server: TestServer

  before(async () => {
    server = await testServer()
  })

  after(() => server.stop())

  storeConformance('postgres', () => postgresFixture(server))
})
