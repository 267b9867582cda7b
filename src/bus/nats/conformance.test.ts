import { describe } from 'node:test'
import { missing } from '../../../test/servers/needs.ts'
import { busConformance } from '../conformance.ts'
import { endsShared, natsFixture } from './fixture.ts'

describe('NATS JetStream', { skip: missing('nats-server') }, () => {
  endsShared()
  busConformance('nats', natsFixture)
})
