import { type HandleContext, service } from 'skerry'
import { Invoices, Sales } from '../contract.ts'

const sql = 'create table document (number text primary key, sale text not null, amount integer not null)'

export const invoices = service(Invoices, { migrations: [{ number: 1, name: 'document', additive: true, sql }] })

async function issue(tx: HandleContext<'invoices'>, kind: string, sale: string, amount: number): Promise<void> {
  const number = `${kind}-${sale}`
  await tx.sql`insert into document (number, sale, amount) values (${number}, ${sale}, ${amount})`
  await tx.publish(Invoices.issued, { sale, number })
}

invoices
  .subscribe('documents', { from: 'start' })
  .on(Sales.billed, (tx, { data }) => issue(tx, 'B', data.sale, data.amount))
  .on(Sales.credited, (tx, { data }) => issue(tx, 'C', data.sale, -data.amount))
