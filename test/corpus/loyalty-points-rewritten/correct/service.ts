import { type HandleContext, service } from 'skerry'
import { Card, Loyalty, sql } from '../contract.ts'

export const loyalty = service(Loyalty, { migrations: [{ number: 1, name: 'member', additive: true, sql }] })

async function move(tx: HandleContext, event: string, member: string, points: number): Promise<void> {
  await tx.sql`insert into movement (event, member, points) values (${event}, ${member}, ${points})`
  await tx.sql`
    insert into member (id, points) values (${member}, ${points})
    on conflict (id) do update set points = member.points + excluded.points`
}

loyalty
  .subscribe('points', { from: 'start' })
  .on(Card.earned, (tx, { id, data }) => move(tx, id, data.member, data.points))
  .on(Card.spent, (tx, { id, data }) => move(tx, id, data.member, -data.points))
  .on(Card.expired, (tx, { id, data }) => move(tx, id, data.member, -data.points))
