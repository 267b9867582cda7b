import { busConformance } from '../conformance.ts'
import { sqliteFixture } from './fixture.ts'

busConformance('sqlite', sqliteFixture)
