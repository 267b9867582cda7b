import type { Bus } from '../bus/bus.ts'
import type { Store } from '../store/store.ts'
import type { Clock } from '../time.ts'
import { batchLimit } from './batch.ts'
import { afterTime } from './circuit.ts'
import type { Dispatch } from './dispatch.ts'
import { hasRoom, mayReadOn, readDue, readOn, readWaiting } from './intake.ts'
import type { Term } from './registration.ts'
import { endWaiting } from './settle.ts'
import { holds } from './shares.ts'
import type { Cursor, Reader, Share, WaitingKey } from './state.ts'

export interface ListenerOptions {
  readonly bus: Bus
  readonly store: Store
  readonly clock: Clock
  readonly readers: readonly Reader[]
  readonly dispatch: Dispatch
  readonly term: Term
}

/**
 * Takes in what there is to do: what is due again, what waited behind a key that is free now, and what is new in the
 * log, in this order. Runs between two transactions, never beside one: see `Processor`.
 */
export class Listener {
  readonly #options: ListenerOptions

  constructor(options: ListenerOptions) {
    this.#options = options
  }

  /** Reads once everywhere; true when anything came. */
  async read(): Promise<boolean> {
    const wall = this.#options.clock.wall()
    let moved = false
    const readers = this.#options.readers.filter((reader) => !reader.paused)
    // From the store, and first for all: what comes next may fail with the engine.
    for (const reader of readers) moved = (await this.#readDue(reader, wall)) || moved
    for (const reader of readers) {
      for (const share of reader.shares) {
        for (const key of share.waiting.values())
          if (key.state === 'released') moved = (await this.#catchUp(share, key, wall)) || moved
        for (const cursor of share.cursors.values()) moved = (await this.#readOn(share, cursor, wall)) || moved
      }
    }
    return moved
  }

  async #readDue(reader: Reader, wall: number): Promise<boolean> {
    const { bus, store, clock, dispatch } = this.#options
    reader.circuit = afterTime(reader.circuit, clock.monotonic())
    if (reader.nextDue > wall || reader.circuit.state === 'open' || !hasRoom(reader)) return false
    let moved = false
    reader.nextDue = Number.POSITIVE_INFINITY
    try {
      for (const share of reader.shares) {
        const works = await store.read((tx) => readDue(bus, tx, share, wall))
        for (const work of works) dispatch.admit(work)
        moved ||= works.length > 0
      }
    } catch (error) {
      reader.nextDue = 0
      throw error
    }
    return moved
  }

  async #readOn(share: Share, cursor: Cursor, wall: number): Promise<boolean> {
    if (!cursor.stale || share.reader.ready.length >= batchLimit.events * 2 || !mayReadOn(share)) return false
    const { bus, dispatch, term } = this.#options
    cursor.stale = false
    try {
      const read = await readOn(bus, share, cursor, wall)
      cursor.stale ||= read.more
      if (read.term !== '') term.read = read.term
      for (const work of read.works) dispatch.admit(work)
      return read.more
    } catch (error) {
      cursor.stale = true
      throw error
    }
  }

  /** The next events of a key that is out of trouble; when none is left, the key is like any other. */
  async #catchUp(share: Share, key: WaitingKey, wall: number): Promise<boolean> {
    for (const { share: of, delivery } of share.reader.works)
      if (of === share && delivery.stream === key.stream && delivery.record.key === key.key) return false
    const { bus, store, dispatch } = this.#options
    const works = await readWaiting(bus, share, key, wall)
    for (const work of works) dispatch.admit(work)
    if (works.length > 0) return true
    if (key.known?.length !== 0) return false
    const after: (() => void)[] = []
    await store.write(async (tx) => {
      if (await holds(tx, share.reader.id, share.lanes, share.token)) await endWaiting({ tx, after }, share, key)
    }, 'bookkeeping')
    for (const effect of after) effect()
    return after.length > 0
  }
}
