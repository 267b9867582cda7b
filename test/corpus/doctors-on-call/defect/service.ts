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
  .on(Ward.wentHome, {
    prepare: async (ctx, { data }) => {
      const others = await ctx.sql`
        select 1 from doctor where ward = ${data.ward} and doctor <> ${data.doctor} and on_call = 1`
      return others.length > 0
    },
    handle: async (tx, { data }, free) => {
      if (!free) return
      await tx.sql`update doctor set on_call = 0 where ward = ${data.ward} and doctor = ${data.doctor}`
      await tx.publish(Rota.relieved, data)
    },
  })
