/** Counts changes of tables and functions. A bus of a newer version is refused. */
export const schemaVersion = 1

/** The name of an application's schema, and of the channel on which its processes wake one another. */
export const schemaOf = (app: string): string => `skerry_bus_${app}`

export const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`

/** Statements as they are written here: `@` stands for the schema, `@channel` for its plain name. */
export const inSchema = (schema: string, text: string): string =>
  text.replaceAll('@channel', schema).replaceAll('@', quoted(schema))

/**
 * - `bus`: one row, which every append locks and changes: the order of positions is the order of commits. `evidence`
 *   tells this server's run and database from any other that a copy was restored to.
 * - `stream`: `floor` is what retention has passed: positions below it are gone. `next` is the end of what was dropped.
 * - `segment`: sums of a run of a stream's rows in `log`. Retention drops whole runs.
 * - `log`: one row for each frame, under the position of its first event.
 * - `pending`: frames that a caller's own transaction appended. They get their positions after its commit.
 * - `process`, `seat`, `room`: who is there, and whose turn it is. `session` is the advisory lock that the process's
 *   direct connection holds, and that ends with it.
 */
export const tables = `
  create schema @;
  create table @.bus (
    one boolean primary key default true check (one), version int not null, identity text not null, head bigint not null,
    bytes bigint not null, room bigint, terms int not null, evidence text not null) with (fillfactor = 10);
  create table @.incarnation (number int primary key, token text not null, start bigint not null, at bigint not null);
  create table @.stream (
    id int generated always as identity primary key, name text not null unique,
    floor bigint not null default 0, next bigint not null);
  create table @.segment (
    stream int not null, first bigint not null, next bigint not null, events bigint not null, bytes bigint not null,
    first_at bigint not null, last_at bigint not null, primary key (stream, first)) with (fillfactor = 50);
  create table @.log (
    stream int not null, position bigint not null, count int not null, bytes int not null, frame text not null,
    primary key (stream, position)) with (autovacuum_vacuum_scale_factor = 0.02);
  create table @.producer (name text primary key, mark bigint not null) with (fillfactor = 50);
  create table @.reader (subscription text primary key, store text not null);
  create table @.mark (
    subscription text not null references @.reader on delete cascade, stream text not null, position bigint not null,
    primary key (subscription, stream)) with (fillfactor = 50);
  create table @.pending (
    id bigint generated always as identity primary key, stream text not null, count int not null, frame text not null);
  create sequence @.session as int;
  create table @.process (
    id text primary key, session int not null, beat timestamptz not null, missing timestamptz) with (fillfactor = 50);
  create table @.room (
    name text primary key, version bigint not null default 0, holder bigint, grants bigint not null default 0,
    tickets bigint not null default 0, wanted boolean not null default false) with (fillfactor = 50);
  create table @.seat (
    id bigint generated always as identity primary key, room text not null,
    process text not null references @.process on delete cascade, member text not null, ticket bigint);
  create index seat_room on @.seat (room);
  create index seat_process on @.seat (process);
  -- The better compression, where this server was built with it.
  do $$ begin alter table @.log alter column frame set compression lz4; exception when others then null; end $$;`
