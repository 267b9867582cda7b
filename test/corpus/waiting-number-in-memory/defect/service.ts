import { type HandleContext, service } from 'skerry'
import { Door, Hall } from '../contract.ts'

const sql = 'create table waiting (event text primary key, visit text not null, number text not null)'

export const hall = service(Hall, { migrations: [{ number: 1, name: 'waiting', additive: true, sql }] })

const numbers = hall.memory(() => ({ next: 1 }))

async function wait(tx: HandleContext<'hall'>, id: string, kind: string, visit: string): Promise<void> {
  const number = `${kind}${numbers().next++}`
  await tx.sql`insert into waiting (event, visit, number) values (${id}, ${visit}, ${number})`
  await tx.publish(Hall.numbered, { visit, number })
}

hall
  .subscribe('waiting', { from: 'start' })
  .on(Door.walkedIn, (tx, { id, data }) => wait(tx, id, 'W', data.visit))
  .on(Door.phoned, (tx, { id, data }) => wait(tx, id, 'P', data.visit))
  .on(Door.referred, (tx, { id, data }) => wait(tx, id, 'R', data.visit))
