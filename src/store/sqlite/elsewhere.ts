import { systemClock } from '../../time.ts'
import type { Store, StoreOptions } from '../store.ts'
import { openSqliteStore } from './open.ts'

/** How the child processes of the conformance suite open a SQLite store. */
export function open(location: string, options: StoreOptions): Promise<Store> {
  return openSqliteStore({ ...options, file: location, clock: systemClock, durability: 'normal' })
}
