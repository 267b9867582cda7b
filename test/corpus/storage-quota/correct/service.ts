import { service } from 'skerry'
import { Files, sql, Upload } from '../contract.ts'

export const files = service(Files, { migrations: [{ number: 1, name: 'file', additive: true, sql }] })

files
  .subscribe('files', { from: 'start' })
  .on(Upload.finished, async (tx, { data: { tenant, file, units } }) => {
    const stored = await tx.sql`
      insert into file (id, tenant, units) select ${file}, ${tenant}, ${units}
      where (select coalesce(sum(units), 0) from file where tenant = ${tenant}) + ${units} <= 5`
    await tx.publish(stored.changes > 0 ? Files.stored : Files.overQuota, { tenant, file })
  })
  .on(Upload.deleted, async (tx, { data }) => {
    await tx.sql`delete from file where id = ${data.file}`
  })
