import { service, type TwoSteps } from 'skerry'
import { Card, Loyalty, sql } from '../contract.ts'

export const loyalty = service(Loyalty, { migrations: [{ number: 1, name: 'member', additive: true, sql }] })

function move(sign: 1 | -1): TwoSteps<'loyalty', { member: string; points: number }, number> {
  return {
    prepare: async (ctx, { data }) => {
      const [row] = await ctx.sql<{ points: number }>`select points from member where id = ${data.member}`
      return row?.points ?? 0
    },
    handle: async (tx, { id, data: { member, points } }, before) => {
      await tx.sql`insert into movement (event, member, points) values (${id}, ${member}, ${sign * points})`
      await tx.sql`insert or replace into member (id, points) values (${member}, ${before + sign * points})`
    },
  }
}

loyalty
  .subscribe('points', { from: 'start' })
  .on(Card.earned, move(1))
  .on(Card.spent, move(-1))
  .on(Card.expired, move(-1))
