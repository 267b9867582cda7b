import { type HandleContext, service } from 'skerry'
import { Invoices, Sales } from '../contract.ts'

const sql =
  'create table document (number integer primary key, kind text not null, sale text not null, amount integer not null)'

export const invoices = service(Invoices, { migrations: [{ number: 1, name: 'document', additive: true, sql }] })

async function issue(tx: HandleContext<'invoices'>, kind: string, sale: string, amount: number): Promise<void> {
  const [last] = await tx.sql<{ number: number | null }>`select max(number) as number from document`
  const number = (last?.number ?? 0) + 1
  await tx.sql`insert into document (number, kind, sale, amount) values (${number}, ${kind}, ${sale}, ${amount})`
  await tx.publish(Invoices.issued, { sale, number: String(number) })
}

invoices
  .subscribe('documents', { from: 'start' })
  .on(Sales.billed, (tx, { data }) => issue(tx, 'bill', data.sale, data.amount))
  .on(Sales.credited, (tx, { data }) => issue(tx, 'credit', data.sale, -data.amount))
