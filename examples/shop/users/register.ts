import type { HandleContext, ReceivedEvent } from 'skerry'
import type { RetailLine } from '../retail/contract.ts'
import { Users } from './contract.ts'

/** A customer is registered by the first row that names one, sale or cancellation. */
export async function registerOnFirstSight(
  tx: HandleContext<'users'>,
  { data }: ReceivedEvent<RetailLine>,
): Promise<void> {
  const { customer, country, at } = data
  if (customer === null) return
  await tx.sql`insert into sighting (line, customer) values (${String(data.row)}, ${customer})`
  const { changes } = await tx.sql`
    insert into customer (id, country, first_seen) values (${customer}, ${country}, ${at}) on conflict (id) do nothing`
  if (changes > 0) await tx.publish(Users.registered, { customer, country, firstSeen: at })
}
