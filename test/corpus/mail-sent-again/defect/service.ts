import { service, type TwoSteps } from 'skerry'
import { Mailer, Members, send, sql } from '../contract.ts'

export const mailer = service(Mailer, { migrations: [{ number: 1, name: 'mail', additive: true, sql }] })

function mail(text: string): TwoSteps<'mailer', { member: string }, string> {
  return {
    prepare: (ctx, { data }) => ctx.outside('mail', () => send(data.member, text)),
    handle: async (tx, { id, data }, receipt) => {
      await tx.sql`insert into mail (event, member, text, receipt) values (${id}, ${data.member}, ${text}, ${receipt})`
    },
  }
}

mailer
  .subscribe('mail', { from: 'now' })
  .on(Members.joined, mail('welcome'))
  .on(Members.renewed, mail('thank you'))
  .on(Members.left, mail('good-bye'))
