import { flowConformance } from './conformance.ts'
import { sqliteFixture } from './sqlite/fixture.ts'

flowConformance('sqlite', sqliteFixture)
