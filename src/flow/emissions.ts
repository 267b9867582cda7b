import type { Group } from '../bus/bus.ts'
import type { Store } from '../store/store.ts'
import type { Emitted } from './outbox.ts'
import type { Relay } from './relay.ts'

/** Hands on what a committed transaction left in the outbox: to the relay here, or by word to the process that has it. */
export class Emissions {
  readonly #relay: Relay
  readonly #store: Store
  readonly #group: Group | undefined

  constructor(relay: Relay, store: Store, group: Group | undefined) {
    this.#relay = relay
    this.#store = store
    this.#group = group
  }

  handOn(emitted: Emitted): void {
    if (!emitted) return
    if (!this.#relay.active) this.#nudge()
    else if (emitted === 'unnumbered') this.#relay.look()
    else this.#relay.offer(emitted)
  }

  #nudge(): void {
    if (this.#group) this.#group.nudge()
    else this.#store.signal?.send()
  }
}
