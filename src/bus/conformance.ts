import { describe } from 'node:test'
import { appending } from './conformance/appending.ts'
import { delivery } from './conformance/delivery.ts'
import type { MakeBusFixture } from './conformance/fixture.ts'
import { groups } from './conformance/groups.ts'
import { handing } from './conformance/handing.ts'
import { readers } from './conformance/readers.ts'
import { reading } from './conformance/reading.ts'
import { restarts } from './conformance/restarts.ts'

export type { BusFixture, Limits, MakeBusFixture } from './conformance/fixture.ts'

/** Everything that a bus adapter must do, as tests for node's own runner. */
export function busConformance(name: string, make: MakeBusFixture): void {
  describe(`bus conformance: ${name}`, () => {
    describe('delivery', () => delivery(make))
    describe('appending', () => appending(make))
    describe('reading', () => reading(make))
    describe('readers and retention', () => readers(make))
    describe('groups', () => groups(make))
    if (make.handsOut) describe('handing out', () => handing(make))
    describe('restarts', () => restarts(make))
  })
}
