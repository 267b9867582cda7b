import { contract, SkerryError, service } from 'skerry'
import { Office } from './contract.ts'

export const catalogue = service(contract('catalogue', { events: {} }), {
  migrations: new URL('./migrations/', import.meta.url),
})

catalogue.subscribe('prices', { from: 'start', order: 'key' }).on(Office.priced, async (tx, { data }) => {
  // `terminal`: trying again cannot help, a person must look.
  if (!/^\d+\.\d\d$/.test(data.price)) throw new SkerryError('terminal', `'${data.price}' is no price such as 12.50`)
  await tx.sql`insert into price (item, price) values (${data.item}, ${data.price})`
})
