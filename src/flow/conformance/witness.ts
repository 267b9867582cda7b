import type { Bus } from '../../bus/bus.ts'
import { encodeFrame } from '../../frame.ts'
import type { Store } from '../../store/store.ts'
import { unwatched } from '../../telemetry.ts'
import { pause, systemClock } from '../../time.ts'
import { InboxBus } from '../inbox/bus.ts'
import type { FlowFixture } from './fixture.ts'

const streams = { town: 'start', hill: 'start', ear: 'start', '~marks': 'start' } as const

/** Reads all that is published, on an engine that hands events out: a store that is there from the beginning. */
export class Witness {
  readonly #engine: Bus
  readonly #store: Store
  readonly #inbox: InboxBus
  #marks = 0

  private constructor(engine: Bus, store: Store, inbox: InboxBus) {
    this.#engine = engine
    this.#store = store
    this.#inbox = inbox
  }

  static async open(fixture: FlowFixture): Promise<Witness> {
    const engine = await fixture.openBus({ clock: systemClock })
    const store = await fixture.openStore('witness', { clock: systemClock })
    await store.write(async (tx) => {
      for (const [stream, start] of Object.entries(streams))
        await tx.run('insert into skerry_inbox_stream (stream, start) values (?, ?)', stream, start)
    })
    const inbox = new InboxBus({ engine, store, service: 'witness', clock: systemClock, watcher: unwatched })
    await inbox.begin(streams)
    // So that it is found, and removed, with everything else.
    await engine.register({ subscription: 'witness/log', store: store.identity, marks: {} })
    return new Witness(engine, store, inbox)
  }

  /** Everything that has been confirmed by now, as a log. */
  async seen(): Promise<Bus> {
    // What was confirmed before it stands before it in the queue.
    const after = this.#marks++
    const times = { time: systemClock.wall(), due: 0, expires: 0 }
    const mark = { id: `${after}`, type: 'mark', version: 1, key: '', ...times, attributes: undefined, data: '{}' }
    const batch = {
      stream: '~marks',
      producer: 'witness',
      after,
      first: after + 1,
      count: 1,
      frame: encodeFrame([mark]),
    }
    await this.#inbox.append(batch)
    while (!(await this.#inbox.arrived())) await pause(systemClock, 2)
    return this.#inbox
  }

  async close(): Promise<void> {
    await this.#inbox.close()
    await this.#store.close()
    await this.#engine.close()
  }
}
