import { describe } from 'node:test'
import { batching } from './conformance/batching.ts'
import { calling } from './conformance/calling.ts'
import { competing } from './conformance/competing.ts'
import { copies } from './conformance/copies.ts'
import { crashing } from './conformance/crashing.ts'
import { delaying } from './conformance/delaying.ts'
import { exactly } from './conformance/exactly.ts'
import type { MakeFlowFixture } from './conformance/fixture.ts'
import { handling } from './conformance/handling.ts'
import { limiting } from './conformance/limiting.ts'
import { ordering } from './conformance/ordering.ts'
import { absences, outages } from './conformance/outages.ts'
import { retrying } from './conformance/retrying.ts'
import { sending } from './conformance/sending.ts'
import { subscribing } from './conformance/subscribing.ts'

export type { FlowFixture, JoinElsewhere, MakeFlowFixture, Part } from './conformance/fixture.ts'

const parts = {
  handling,
  'exactly once': exactly,
  batching,
  subscribing,
  copies,
  competing,
  limiting,
  crashing,
  retrying,
  outages,
  absences,
  ordering,
  delaying,
  calling,
  sending,
} satisfies Record<string, (make: MakeFlowFixture) => void>

export type FlowPart = keyof typeof parts

export const flowParts = Object.keys(parts) as readonly FlowPart[]

/**
 * Everything that services must do on any pair of bus and store, as tests for node's own runner. Some parts of it are for
 * files that run side by side.
 */
export function flowConformance(name: string, make: MakeFlowFixture, only: readonly FlowPart[] = flowParts): void {
  describe(`flow conformance: ${name}`, () => {
    for (const part of only) describe(part, () => parts[part](make))
  })
}
