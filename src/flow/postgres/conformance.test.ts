import { after, before, describe } from 'node:test'
import { missing } from '../../../test/servers/needs.ts'
import { type TestServer, testServer } from '../../store/postgres/fixture.ts'
import { flowConformance } from '../conformance.ts'
import { postgresFixture } from './fixture.ts'

describe('PostgreSQL', { skip: missing('postgresql') }, () => {
  let server: TestServer

  before(async () => {
    server = await testServer()
  })

  after(() => server.stop())

  flowConformance('sqlite bus, postgres store', () => postgresFixture(server))
})
