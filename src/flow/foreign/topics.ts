import type { Intake, Receiving, Sending } from '../../bus/foreign.ts'
import type { SinkTarget, SourceDefinition } from '../../foreign.ts'

/** The way to foreign topics, whatever they are on. */
export interface Topics {
  /** Begins to receive, now or as soon as the other side is there, and goes on until it is stopped. */
  receive(source: SourceDefinition, label: string, intake: Intake): Receiving
  /** Connects by itself, now or as soon as the other side is there. */
  send(target: SinkTarget, label: string): Sending
}
