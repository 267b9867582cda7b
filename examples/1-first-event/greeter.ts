import { contract, service } from 'skerry'
import { Door } from './contract.ts'

/** A service that publishes nothing of its own yet. */
const Greeter = contract('greeter', { events: {} })

export const greeter = service(Greeter, { migrations: new URL('./migrations/', import.meta.url) })

greeter.subscribe('greet', { from: 'start' }).on(Door.opened, async (tx, { data }) => {
  await tx.sql`insert into greeting (words) values (${`Hello, ${data.visitor}!`})`
})
