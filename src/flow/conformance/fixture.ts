import type { Bus } from '../../bus/bus.ts'
import type { Store, StoreOptions } from '../../store/store.ts'
import type { Clock } from '../../time.ts'

/** What the author of an engine gives, so that the suite can be run on a pair of bus and store. One fixture is one empty bus. */
export interface FlowFixture {
  /** True for engines at the other end of a wire: virtual time passes slowly there, since what they do takes real time. */
  readonly remote?: boolean
  /** Opens the bus; the suite opens it several times at once, as so many processes would, and closes all. */
  openBus(options: { readonly clock: Clock; readonly maxBytes?: number }): Promise<Bus>
  /** The engine hands events out (`Bus.deliver`): what is published before a service was first started is not for it. */
  readonly handsOut?: boolean
  /** Opens the store of a service, made at the first time; several times at once, too. */
  openStore(service: string, options: StoreOptions & { readonly clock: Clock }): Promise<Store>
  /** How another process gets a fixture of the same pair: a module that exports `join(location)`, as `JoinElsewhere`. */
  readonly elsewhere: { readonly module: string; readonly location: string }
  /** Makes the store unable to grow, as on a full disk, until the returned function is called. */
  fillDisk(store: Store): Promise<() => Promise<void>>
  /** Copies the bus, or a service's store, while nobody has it open. The result puts the copy back in its place. */
  copy(part: Part): Promise<() => Promise<void>>
  /** Deletes the bus, or a service's store, while nobody has it open. */
  remove(part: Part): Promise<void>
  /** Removes everything. */
  dispose(): Promise<void>
}

export type Part = 'bus' | { readonly store: string }
export type MakeFlowFixture = () => Promise<FlowFixture>
export type JoinElsewhere = (location: string) => Pick<FlowFixture, 'openBus' | 'openStore'>
