import { after, describe } from 'node:test'
import { missing } from '../../../test/servers/needs.ts'
import { busConformance } from '../conformance.ts'
import { rabbitmqFixture, TestServer } from './fixture.ts'

describe('on a private server', { skip: missing('rabbitmq-server') }, () => {
  const server = new TestServer()
  after(() => server.end())
  busConformance('rabbitmq', rabbitmqFixture(server))
})
