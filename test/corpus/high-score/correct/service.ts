import { service } from 'skerry'
import { Board, Game } from '../contract.ts'

const sql = 'create table best (player text primary key, score integer not null)'

export const board = service(Board, {
  projection: true,
  migrations: [{ number: 1, name: 'best', additive: true, sql }],
})

board
  .subscribe('scores', { from: 'start' })
  .on(Game.joined, async (tx, { data }) => {
    await tx.sql`insert into best (player, score) values (${data.player}, 0) on conflict (player) do nothing`
  })
  .on(Game.finished, async (tx, { data }) => {
    await tx.sql`
      insert into best (player, score) values (${data.player}, ${data.score})
      on conflict (player) do update set score = max(best.score, excluded.score)`
  })
