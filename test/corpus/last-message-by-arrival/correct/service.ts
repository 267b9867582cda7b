import { service } from 'skerry'
import { Chat, Inbox } from '../contract.ts'

const sql = `create table message (id text primary key, room text not null, sent integer not null);
  create table recalled (id text primary key);
  create table read (room text primary key, up_to integer not null);
  create view inbox as select room,
    (select id from message as m where m.room = message.room and id not in (select id from recalled)
      order by sent desc, id desc limit 1) as last,
    sum(sent > coalesce((select up_to from read where read.room = message.room), 0)) as unread
    from message group by room`

export const inbox = service(Inbox, {
  projection: true,
  migrations: [{ number: 1, name: 'message', additive: true, sql }],
})

inbox
  .subscribe('rooms', { from: 'start' })
  .on(Chat.wrote, async (tx, { data }) => {
    await tx.sql`insert into message (id, room, sent) values (${data.message}, ${data.room}, ${data.sent})`
  })
  .on(Chat.recalled, async (tx, { data }) => {
    await tx.sql`insert into recalled (id) values (${data.message})`
  })
  .on(Chat.read, async (tx, { data }) => {
    await tx.sql`
      insert into read (room, up_to) values (${data.room}, ${data.upTo})
      on conflict (room) do update set up_to = max(read.up_to, excluded.up_to)`
  })
