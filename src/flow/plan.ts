import type { Capabilities, Grade } from '../bus/bus.ts'
import { SkerryError } from '../errors.ts'
import type { AnyService } from '../service.ts'

/** How one need of one subscription is served. */
export interface PlanLine {
  readonly subscription: string
  readonly need: keyof Needs
  readonly grade: Grade
  /** What an absent capability that a subscription can do without means for it. */
  readonly remark?: string
}

const withoutReplay = ({ fromStart }: Capabilities): string =>
  fromStart === 'absent'
    ? 'gets what is published after its first start, and cannot be rebuilt'
    : 'a new store gets all that is there; one that has begun cannot read it again, nor be rebuilt'

type Needs = Pick<Capabilities, 'keyOrder' | 'delay' | 'replay' | 'fencing' | 'deduplication'>

/**
 * What the engine gives for each thing that the handlers of a service need. Throws `capability_absent`, naming the
 * subscription and the capability, when it gives nothing. Replay is another matter: without it a subscription from the
 * start gets what a new consumer gets, and a later one, which would miss what is gone, is refused by the inbox.
 */
export function planOf(service: AnyService, engine: string, capabilities: Capabilities): PlanLine[] {
  const lines: PlanLine[] = []
  for (const definition of service.subscriptions.values()) {
    const needs: (keyof Needs)[] = ['delay', 'fencing', 'deduplication']
    if (definition.options.order === 'key') needs.push('keyOrder')
    if (definition.options.from === 'start' || service.options.projection) needs.push('replay')
    for (const need of needs) {
      const grade = capabilities[need]
      const remark = need === 'replay' && grade === 'absent' && withoutReplay(capabilities)
      lines.push({ subscription: `${service.name}/${definition.name}`, need, grade, ...(remark && { remark }) })
    }
  }
  const absent = lines.find((line) => line.grade === 'absent' && line.remark === undefined)
  if (absent) {
    throw new SkerryError(
      'capability_absent',
      `${absent.subscription} needs ${absent.need}, which ${engine} does not give; use another engine, or do without it`,
    )
  }
  return lines
}
