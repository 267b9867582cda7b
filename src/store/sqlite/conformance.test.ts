import { storeConformance } from '../conformance.ts'
import { sqliteFixture } from './fixture.ts'

storeConformance('sqlite', sqliteFixture)
