import { service } from 'skerry'
import { Files, sql, Upload } from '../contract.ts'

export const files = service(Files, { migrations: [{ number: 1, name: 'file', additive: true, sql }] })

files
  .subscribe('files', { from: 'start' })
  .on(Upload.finished, {
    prepare: async (ctx, { data }) => {
      const [row] = await ctx.sql<{ used: number | null }>`
        select sum(units) as used from file where tenant = ${data.tenant}`
      return (row?.used ?? 0) + data.units <= 5
    },
    handle: async (tx, { data: { tenant, file, units } }, fits) => {
      if (fits) await tx.sql`insert into file (id, tenant, units) values (${file}, ${tenant}, ${units})`
      await tx.publish(fits ? Files.stored : Files.overQuota, { tenant, file })
    },
  })
  .on(Upload.deleted, async (tx, { data }) => {
    await tx.sql`delete from file where id = ${data.file}`
  })
