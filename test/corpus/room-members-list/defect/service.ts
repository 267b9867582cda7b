import { service, type TwoSteps } from 'skerry'
import { Chat, Rooms } from '../contract.ts'

const sql = 'create table room (room text primary key, members text not null)'

export const rooms = service(Rooms, { migrations: [{ number: 1, name: 'room', additive: true, sql }] })

function change(how: (members: Set<string>, member: string) => void) {
  const steps: TwoSteps<'rooms', { room: string; member: string }, string[]> = {
    prepare: async (ctx, { data }) => {
      const [row] = await ctx.sql<{ members: string }>`select members from room where room = ${data.room}`
      return row ? JSON.parse(row.members) : []
    },
    handle: async (tx, { data }, before) => {
      const members = new Set(before)
      how(members, data.member)
      await tx.sql`insert or replace into room (room, members) values (${data.room}, ${[...members].sort()})`
    },
  }
  return steps
}

rooms
  .subscribe('members', { from: 'start' })
  .on(
    Chat.joined,
    change((members, member) => members.add(member)),
  )
  .on(
    Chat.left,
    change((members, member) => members.delete(member)),
  )
  .on(
    Chat.banned,
    change((members, member) => members.delete(member)),
  )
