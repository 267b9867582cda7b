import type { Random } from '../../src/ids.ts'
import type { Passage } from '../servers/passage.ts'
import type { Books } from './books.ts'
import type { Broker } from './broker.ts'
import type { SmallDisk } from './disk.ts'
import type { EngineName } from './engines.ts'
import type { Month } from './month.ts'

export type StoreName = 'sqlite' | 'postgres'

/** What a fault finds: a month that runs, on servers that can be treated as life treats them. */
export interface Scene {
  readonly engine: EngineName
  readonly store: StoreName
  readonly month: Month
  readonly books: Books
  readonly broker: Broker
  /** Where the stores are when they are on PostgreSQL; the broker itself if that is one. */
  readonly database: Broker | undefined
  /** In front of the broker; the month goes through it where the fault asks for it. */
  readonly passage: Passage
  /** Where the bus is, past the passage. */
  readonly busUrl: string
  /** Of one small disk that the broker has for itself, where the fault asks for it. */
  readonly disk: SmallDisk | undefined
  readonly random: Random
  /** Counts one strike; to be told once it has taken place. */
  struck(): void
  /** Waits until the month goes on after a strike, and keeps how long that took. */
  recovers(): Promise<void>
}

export interface Fault {
  readonly name: string
  /** One line for people. */
  readonly about: string
  /** Whether it concerns this ground. */
  readonly on: (engine: EngineName, store: StoreName) => boolean
  /** What it needs beside the usual: a way through the passage, a user with a password, a disk that can be filled. */
  readonly needs?: 'passage' | 'login' | 'disk'
  readonly strike: (scene: Scene) => Promise<void>
}

export const everywhere = (): boolean => true
