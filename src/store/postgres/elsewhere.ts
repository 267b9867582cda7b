import { systemClock } from '../../time.ts'
import type { Store, StoreOptions } from '../store.ts'
import { openPostgresStore } from './open.ts'

/** How the child processes of the conformance suite open a PostgreSQL store: the location is an object of `url` and `schema`. */
export function open(location: string, options: StoreOptions): Promise<Store> {
  const { url, schema } = JSON.parse(location) as { url: string; schema: string }
  return openPostgresStore({ ...options, url, schema, service: 'test', clock: systemClock, durability: 'normal' })
}
