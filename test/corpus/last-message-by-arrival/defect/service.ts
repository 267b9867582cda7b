import { service } from 'skerry'
import { Chat, Inbox } from '../contract.ts'

const sql = 'create table room (room text primary key, last text, unread integer not null)'

export const inbox = service(Inbox, {
  projection: true,
  migrations: [{ number: 1, name: 'room', additive: true, sql }],
})

inbox
  .subscribe('rooms', { from: 'start' })
  .on(Chat.wrote, async (tx, { data }) => {
    await tx.sql`
      insert into room (room, last, unread) values (${data.room}, ${data.message}, 1)
      on conflict (room) do update set last = excluded.last, unread = room.unread + 1`
  })
  .on(Chat.recalled, async (tx, { data }) => {
    await tx.sql`update room set last = '(recalled)' where room = ${data.room} and last = ${data.message}`
  })
  .on(Chat.read, async (tx, { data }) => {
    await tx.sql`update room set unread = 0 where room = ${data.room}`
  })
