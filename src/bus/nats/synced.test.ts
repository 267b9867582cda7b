import { describe } from 'node:test'
import { missingSync } from '../../../test/servers/nats.ts'
import { missing } from '../../../test/servers/needs.ts'
import { busConformance } from '../conformance.ts'
import { endsShared, syncedNatsFixture } from './fixture.ts'

describe('NATS JetStream that syncs before it acknowledges', { skip: missing('nats-server') || missingSync }, () => {
  endsShared()
  busConformance('nats, synced', syncedNatsFixture)
})
