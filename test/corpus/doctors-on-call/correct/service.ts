import { service } from 'skerry'
import { Rota, sql, Ward } from '../contract.ts'

export const rota = service(Rota, { migrations: [{ number: 1, name: 'doctor', additive: true, sql }] })

rota
  .subscribe('shifts', { from: 'start' })
  .on(Ward.cameIn, async (tx, { data }) => {
    await tx.sql`
      insert into doctor (ward, doctor, on_call) values (${data.ward}, ${data.doctor}, 1)
      on conflict (ward, doctor) do update set on_call = 1`
  })
  .on(Ward.wentHome, async (tx, { data }) => {
    const gone = await tx.sql`
      update doctor set on_call = 0 where ward = ${data.ward} and doctor = ${data.doctor} and exists (
        select 1 from doctor as other
        where other.ward = ${data.ward} and other.doctor <> ${data.doctor} and other.on_call = 1)`
    if (gone.changes > 0) await tx.publish(Rota.relieved, data)
  })
