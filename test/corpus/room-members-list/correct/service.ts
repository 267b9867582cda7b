import { type HandleContext, service } from 'skerry'
import { Chat, Rooms } from '../contract.ts'

const sql = `create table member (room text, member text, version integer not null, rank integer not null,
    primary key (room, member));
  create view present as select room, member from member where rank = 0`

export const rooms = service(Rooms, { migrations: [{ number: 1, name: 'member', additive: true, sql }] })

/** What a member's newest version says; of one version the graver. */
const ranks = { joined: 0, left: 1, banned: 2 }

interface Change {
  readonly room: string
  readonly member: string
  readonly version: number
}

async function keep(tx: HandleContext, kind: keyof typeof ranks, { room, member, version }: Change): Promise<void> {
  await tx.sql`
    insert into member (room, member, version, rank) values (${room}, ${member}, ${version}, ${ranks[kind]})
    on conflict (room, member) do update set version = excluded.version, rank = excluded.rank
    where (excluded.version, excluded.rank) > (member.version, member.rank)`
}

rooms
  .subscribe('members', { from: 'start' })
  .on(Chat.joined, (tx, { data }) => keep(tx, 'joined', data))
  .on(Chat.left, (tx, { data }) => keep(tx, 'left', data))
  .on(Chat.banned, (tx, { data }) => keep(tx, 'banned', data))
