import { describe } from 'node:test'
import { missing } from '../../../test/servers/needs.ts'
import { flowConformance } from '../conformance.ts'
import { natsFixture } from './fixture.ts'

describe('NATS JetStream', { skip: missing('nats-server') }, () => {
  flowConformance('nats bus, sqlite store', natsFixture)
})
