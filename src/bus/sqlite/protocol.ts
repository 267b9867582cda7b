import type { Position } from '../../event.ts'
import type { Fact } from '../../telemetry.ts'
import type { Batch, GroupChange, Registration } from '../bus.ts'
import type { Failure } from './failures.ts'
import type { Durability } from './schema.ts'

/** Raised with every change that an older process would misread; processes that differ refuse each other. */
export const protocolVersion = 2

export type Marks = Readonly<Record<string, number>>
export type AllMarks = Readonly<Record<string, Marks>>

/** What a process asks of the writer and wants an answer to. `again` when the first answer may have been lost. */
export type Question =
  | { readonly ask: 'register'; readonly reader: Registration }
  | { readonly ask: 'forget'; readonly subscription: string; readonly again?: boolean }
  | { readonly ask: 'members'; readonly group: string }

/** From a process to the writer. A seat is one member of one group; its number is the process's own. */
export type Up =
  | { readonly kind: 'hello'; readonly version: number; readonly pid: number; readonly durability: Durability }
  /** Batches numbered `seq`, `seq + 1`, … by this process; answered in that order by `committed`. */
  | { readonly kind: 'append'; readonly seq: number; readonly batches: readonly Batch[] }
  | { readonly kind: 'question'; readonly id: number; readonly question: Question }
  | { readonly kind: 'marks'; readonly marks: AllMarks }
  | {
      readonly kind: 'join'
      readonly seat: number
      readonly group: string
      readonly member: string
      readonly grant: number
    }
  | { readonly kind: 'leave'; readonly seat: number }
  | { readonly kind: 'nudge'; readonly seat: number }
  | { readonly kind: 'want'; readonly seat: number }
  | { readonly kind: 'yield'; readonly seat: number; readonly grant: number }
  | { readonly kind: 'pong' }
  /** The process's main thread stopped answering, or answers again. */
  | { readonly kind: 'silent'; readonly silent: boolean }

/** From the writer to a process. */
export type Down =
  | { readonly kind: 'welcome'; readonly pid: number; readonly limit: number | null }
  | { readonly kind: 'refused'; readonly failure: Failure }
  /**
   * All of the process's batches up to `acked` are settled (durable, but for `failed`); these streams grew. What they grew
   * by is in `news` when it is little, and else in the file only.
   */
  | {
      readonly kind: 'committed'
      readonly acked: number
      readonly failed: readonly Failed[]
      readonly streams: readonly string[]
      readonly news: readonly Growth[]
    }
  | { readonly kind: 'answer'; readonly id: number; readonly value?: unknown; readonly failure?: Failure }
  | { readonly kind: 'granted'; readonly seat: number; readonly grant: number }
  | { readonly kind: 'wanted'; readonly seat: number; readonly grant: number }
  | { readonly kind: 'revoked'; readonly seat: number; readonly grant: number }
  | { readonly kind: 'changed'; readonly seat: number; readonly change: GroupChange }
  | { readonly kind: 'ping' }

/** What one commit added to a stream: from `after` to before `until` there is nothing of it but these rows. */
export interface Growth {
  readonly stream: string
  readonly after: Position
  readonly until: Position
  readonly rows: readonly (readonly [position: Position, count: number, frame: string])[]
  /** The term of the writer that committed them, as in `Chunk.term`. */
  readonly term: string
}

export interface Failed {
  readonly seq: number
  readonly failure: Failure
}

/** From the main thread to its worker, beyond what is meant for the writer. */
export type ToWorker =
  | Up
  | { readonly kind: 'watch'; readonly stream: string; readonly on: boolean }
  | { readonly kind: 'alive' }
  | { readonly kind: 'close' }

/** From a worker to its main thread. */
export type ToMain =
  | Down
  | { readonly kind: 'writer'; readonly writer: WriterState }
  | { readonly kind: 'fact'; readonly fact: Fact }
  | { readonly kind: 'alive?' }
  | { readonly kind: 'crash'; readonly point: 'bus.before-commit' | 'bus.after-commit' }
  /** The bus cannot be used (any more); everything pending fails with this. */
  | { readonly kind: 'broken'; readonly failure: Failure }

/** What this process knows of the writer. `pid` is 0 while nobody is known. */
export interface WriterState {
  readonly pid: number
  readonly answering: boolean
  readonly limit: number
  readonly clockJumps: number
}

export interface WorkerSettings {
  readonly file: string
  readonly lock: string
  readonly socket: string
  readonly lead: boolean
  readonly durability: Durability
  readonly maxBytes: number
  readonly segmentBytes: number
  readonly retention: { readonly ageMs: number; readonly bytes: number }
  /** Present when a crash hook is to be called: the worker waits on it for the main thread's answer. */
  readonly gate: Int32Array | undefined
}
