import { type HandleContext, service } from 'skerry'
import { Api, Limits, sql } from '../contract.ts'

export const limits = service(Limits, { migrations: [{ number: 1, name: 'call', additive: true, sql }] })

const calls = limits.memory(() => new Map<string, number>())

async function admit(tx: HandleContext<'limits'>, id: string, tenant: string, kind: string): Promise<void> {
  const before = calls().get(tenant) ?? 0
  calls().set(tenant, before + 1)
  if (before < 2) await tx.sql`insert into call (event, tenant, kind) values (${id}, ${tenant}, ${kind})`
  else await tx.publish(Limits.refused, { tenant })
}

limits
  .subscribe('calls', { from: 'start' })
  .on(Api.called, (tx, { id, data }) => admit(tx, id, data.tenant, 'call'))
  .on(Api.exported, (tx, { id, data }) => admit(tx, id, data.tenant, 'export'))
  .on(Api.searched, (tx, { id, data }) => admit(tx, id, data.tenant, 'search'))
