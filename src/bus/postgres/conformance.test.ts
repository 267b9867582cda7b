import { describe } from 'node:test'
import { missing } from '../../../test/servers/needs.ts'
import { postgresForSuite } from '../../../test/servers/suite.ts'
import { busConformance } from '../conformance.ts'
import { postgresFixture } from './fixture.ts'

describe('a real server', { skip: missing('postgresql') }, () => {
  busConformance('postgres', postgresFixture(postgresForSuite('FULL')))
})
