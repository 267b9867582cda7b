import { type HandleContext, service } from 'skerry'
import { Api, Limits, sql } from '../contract.ts'

export const limits = service(Limits, { migrations: [{ number: 1, name: 'call', additive: true, sql }] })

async function admit(tx: HandleContext<'limits'>, id: string, tenant: string, kind: string): Promise<void> {
  const admitted = await tx.sql`
    insert into call (event, tenant, kind) select ${id}, ${tenant}, ${kind}
    where (select count(*) from call where tenant = ${tenant}) < 2`
  if (admitted.changes === 0) await tx.publish(Limits.refused, { tenant })
}

limits
  .subscribe('calls', { from: 'start' })
  .on(Api.called, (tx, { id, data }) => admit(tx, id, data.tenant, 'call'))
  .on(Api.exported, (tx, { id, data }) => admit(tx, id, data.tenant, 'export'))
  .on(Api.searched, (tx, { id, data }) => admit(tx, id, data.tenant, 'search'))
