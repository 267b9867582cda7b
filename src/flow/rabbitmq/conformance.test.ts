import { after, describe } from 'node:test'
import { missing } from '../../../test/servers/needs.ts'
import { TestServer } from '../../bus/rabbitmq/fixture.ts'
import { flowConformance } from '../conformance.ts'
import { rabbitmqFixture } from './fixture.ts'

describe('on a private server', { skip: missing('rabbitmq-server') }, () => {
  const server = new TestServer()
  after(() => server.end())
  flowConformance('rabbitmq bus, sqlite store', () => rabbitmqFixture(server))
})
