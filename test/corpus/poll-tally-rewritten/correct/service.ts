import { type HandleContext, service } from 'skerry'
import { Booth, Polls } from '../contract.ts'

const sql = `create table poll (id text primary key, yes integer not null, no integer not null);
  create table slip (event text primary key, poll text not null, n integer not null)`

export const polls = service(Polls, { migrations: [{ number: 1, name: 'poll', additive: true, sql }] })

async function vote(tx: HandleContext, id: string, poll: string, yes: number, no: number): Promise<void> {
  await tx.sql`insert into slip (event, poll, n) values (${id}, ${poll}, ${yes + no})`
  await tx.sql`
    insert into poll (id, yes, no) values (${poll}, ${yes}, ${no})
    on conflict (id) do update set yes = poll.yes + excluded.yes, no = poll.no + excluded.no`
}

polls
  .subscribe('tallies', { from: 'start' })
  .on(Booth.yes, (tx, { id, data }) => vote(tx, id, data.poll, 1, 0))
  .on(Booth.no, (tx, { id, data }) => vote(tx, id, data.poll, 0, 1))
  .on(Booth.takenBack, (tx, { id, data }) => {
    return data.was === 'yes' ? vote(tx, id, data.poll, -1, 0) : vote(tx, id, data.poll, 0, -1)
  })
