import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { missing } from '../../../test/servers/needs.ts'
import { codeOf } from '../../errors.ts'
import { systemClock } from '../../time.ts'
import { adoptSchema, dropScratch, scratchApp } from './adopt.ts'
import { administer, type TestServer, testServer } from './fixture.ts'
import { openPostgresStore } from './open.ts'
import type { PostgresStore } from './store.ts'

const things = `
  create type mood as enum ('fine', 'sad');
  create function doubled(n integer) returns integer language sql immutable as 'select 2 * n';
  create function cheered(m mood) returns text language sql immutable as $$ select m::text || '!' $$;
  create function stamp() returns trigger language plpgsql as $$ begin new.stamped := true; return new; end $$;
  create sequence ticket start 7;
  create table room (id integer primary key, name text unique);
  create table guest (
    id bigint generated always as identity primary key, serial_no serial, room integer references room deferrable,
    mood mood not null default 'fine', ticket bigint default nextval('ticket'), stamped boolean,
    twice integer generated always as (doubled(room)) stored);
  create index guest_mood on guest (mood);
  create trigger stamping before insert on guest for each row execute function stamp();
  create table visit (day date, guest integer) partition by range (day);
  create table visit_2026 partition of visit for values from ('2026-01-01') to ('2027-01-01');
  create view fine_guest as select id, room, cheered(mood) as how from guest where mood = 'fine';
  create view fine_room as select room.name from room join fine_guest on fine_guest.room = room.id;
  create materialized view room_count as select count(*) as n from room;
`

describe('a projection made anew on PostgreSQL', { skip: missing('postgresql') }, () => {
  let server: TestServer
  before(async () => {
    server = await testServer()
  })
  after(() => server.stop())

  const open = (service: string, app: string): Promise<PostgresStore> =>
    openPostgresStore({
      ...{ url: server.url, service, app, clock: systemClock },
      migrations: [{ number: 1, name: 'all', sql: things, additive: true }],
    })

  const fill = (store: PostgresStore, name: string): Promise<void> =>
    store.write(async (tx) => {
      await tx.run('insert into room values (1, ?)', name)
      await tx.run('insert into guest (room) values (1)')
      await tx.run("insert into visit values ('2026-11-25', 1)")
    })

  async function onBoth(service: string, work: (live: PostgresStore, scratch: PostgresStore) => Promise<void>) {
    const live = await open(service, 'shop')
    const scratch = await open(service, scratchApp('shop'))
    try {
      await work(live, scratch)
    } finally {
      await scratch.close()
      await live.close()
      await dropScratch(server.url, service, 'shop')
    }
  }

  test('all that a service made is replaced, and works as before', () =>
    onBoth('all', async (live, scratch) => {
      await fill(live, 'old')
      await fill(scratch, 'new')
      await scratch.close()
      await live.write(async (tx) => {
        const rebuilt = await adoptSchema(tx, 'all', 'shop')
        assert.equal((await tx.all(`select 1 from ${rebuilt}.skerry_meta where name = 'identity'`)).length, 1)
      }, 'alone')
      await live.write((tx) => tx.run('insert into guest (room) values (1)'))
      const row = await live.read(async (tx) => [
        await tx.all('select name from fine_room'),
        await tx.all('select id, serial_no, ticket, stamped::text as stamped, twice from guest order by id'),
        await tx.all('select how from fine_guest limit 1'),
        await tx.all('select guest from visit_2026'),
        await tx.all('select n from room_count'),
      ])
      assert.deepEqual(row, [
        [{ name: 'new' }, { name: 'new' }],
        [
          { id: 1, serial_no: 1, ticket: 7, stamped: 'true', twice: 2 },
          { id: 2, serial_no: 2, ticket: 8, stamped: 'true', twice: 2 },
        ],
        [{ how: 'fine!' }],
        [{ guest: 1 }],
        [{ n: 0 }],
      ])
    }))

  test('a failure in the middle changes nothing', () =>
    onBoth('whole', async (live, scratch) => {
      await fill(live, 'old')
      await fill(scratch, 'new')
      await scratch.close()
      const failing = live.write(async (tx) => {
        await adoptSchema(tx, 'whole', 'shop')
        throw new Error('the power is gone')
      }, 'alone')
      await assert.rejects(failing, /the power is gone/)
      assert.deepEqual(await live.read((tx) => tx.all('select name from fine_room')), [{ name: 'old' }])
    }))

  test('what others made of its tables is not dropped in silence', () =>
    onBoth('used', async (live, scratch) => {
      await scratch.close()
      await administer(server.url, (client) =>
        client.query('create view report as select name from skerry_shop_used.room'),
      )
      const adopting = live.write((tx) => adoptSchema(tx, 'used', 'shop'), 'alone')
      await assert.rejects(
        adopting,
        (error: Error) => codeOf(error) === 'statement_failed' && /room/.test(error.message),
      )
      await administer(server.url, (client) => client.query('drop view report'))
    }))
})
