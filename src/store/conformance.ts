import { describe } from 'node:test'
import { failures } from './conformance/failures.ts'
import type { MakeStoreFixture } from './conformance/fixture.ts'
import { isolation } from './conformance/isolation.ts'
import { migrations } from './conformance/migrations.ts'
import { processes } from './conformance/processes.ts'
import { statements } from './conformance/statements.ts'
import { transactions } from './conformance/transactions.ts'
import { turns } from './conformance/turns.ts'
import { values } from './conformance/values.ts'

export type { MakeStoreFixture, OpenElsewhere, StoreFixture } from './conformance/fixture.ts'

/** Everything that a store adapter must do, as tests for node's own runner. */
export function storeConformance(name: string, make: MakeStoreFixture): void {
  describe(`store conformance: ${name}`, () => {
    describe('transactions', () => transactions(make))
    describe('isolation', () => isolation(make))
    describe('turns', () => turns(make))
    describe('statements', () => statements(make))
    describe('values', () => values(make))
    describe('failures', () => failures(make))
    describe('migrations', () => migrations(make))
    describe('processes', () => processes(make))
  })
}
