import type { Dialect } from './store.ts'

/**
 * Skerry's own tables in every service's store. One text for all dialects: only types differ. Writers of these tables
 * live in `flow/`, one file for each idea; nobody else touches them.
 */
export function bookkeepingTables(dialect: Dialect): string[] {
  const int = dialect === 'sqlite' ? 'integer' : 'bigint'
  return [
    // One row for each fact about the store itself: identity, bus, incarnation, outbox number, …
    `create table if not exists skerry_meta (name text primary key, value text not null)`,
    // A subscription's definition, recorded once.
    `create table if not exists skerry_subscription (
      name text primary key, start text not null, ordering text not null, paused ${int} not null default 0,
      circuit text, created ${int} not null)`,
    // Who serves which lanes. A commit is fenced by the token; clean = 0 says the last owner did not hand over.
    `create table if not exists skerry_share (
      subscription text not null, lane_from ${int} not null, lane_to ${int} not null,
      owner text, token text, expires ${int} not null default 0, clean ${int} not null default 1,
      primary key (subscription, lane_from))`,
    // All events of the stream below \`next\` that fall into the share's lanes are settled, but for the exceptions.
    `create table if not exists skerry_position (
      subscription text not null, lane_from ${int} not null, stream text not null, next ${int} not null,
      primary key (subscription, lane_from, stream))`,
    // How often what happened, for status: handled, dead, expired, duplicate, … A share has its own, so that processes do
    // not meet in them.
    `create table if not exists skerry_counter (
      subscription text not null, lane_from ${int} not null, name text not null, value ${int} not null,
      primary key (subscription, lane_from, name))`,
    // One row for each event below \`next\` that is not settled, and not waiting behind its key.
    `create table if not exists skerry_exception (
      subscription text not null, stream text not null, position ${int} not null, lane ${int} not null,
      state text not null, due ${int} not null, key text not null, id text not null, attempts ${int} not null,
      reruns ${int} not null, overruns ${int} not null, record text, history text, primary key (subscription, stream, position))`,
    `create index if not exists skerry_exception_due on skerry_exception (subscription, due)`,
    // For the marks of retention: exceptions whose events only the log has.
    `create index if not exists skerry_exception_log on skerry_exception (subscription, stream, position) where record is null`,
    // A key in trouble: its events from \`first\` on wait, however many they are: behind a head that is being retried
    // (\`blocked\`) or became a dead letter (\`parked\`), or until those before them are handled (\`released\`).
    `create table if not exists skerry_waiting (
      subscription text not null, stream text not null, key text not null, lane ${int} not null,
      first ${int} not null, state text not null, primary key (subscription, stream, key))`,
    `create table if not exists skerry_dead (
      id text primary key, subscription text not null, stream text not null, position ${int} not null,
      lane ${int} not null, key text not null, type text not null, code text not null, message text not null,
      at ${int} not null, attempts ${int} not null, record text not null, history text not null)`,
    outboxTable(dialect),
    // Intents and results of \`ctx.once\`.
    `create table if not exists skerry_once (
      subscription text not null, stream text not null, event text not null, name text not null, key text not null,
      result text, at ${int} not null, primary key (subscription, stream, event, name))`,
    // The event that was running alone, and how many crashes it has been alone in.
    `create table if not exists skerry_journal (
      subscription text not null, stream text not null, position ${int} not null, crashes ${int} not null,
      primary key (subscription, stream, position))`,
    // Processes at work, with their live figures for \`status\`.
    `create table if not exists skerry_member (
      id text primary key, pid ${int} not null, boot text not null, expires ${int} not null, live text)`,
    `create table if not exists skerry_migration (
      number ${int} primary key, name text not null, digest text not null, additive ${int} not null, at ${int} not null)`,
    ...callTables(int),
    ...measureTables(int),
    ...inboxTables(int),
    ...foreignTables(int),
  ]
}

/** For calls that are not idempotent by nature (`flow/calls`). */
function callTables(int: string): string[] {
  return [
    // Idempotency keys, each with the digest of the input that came with it and the answer; until there is one, with who runs
    // the call, and when nothing of it can take effect any more.
    `create table if not exists skerry_call (
      call text not null, key text not null, digest text not null, owner text not null, until ${int} not null,
      reason text, answer text, forget ${int} not null, primary key (call, key))`,
    `create index if not exists skerry_call_forget on skerry_call (forget)`,
  ]
}

/** For messages of foreign topics, which become events (`flow/foreign`). */
function foreignTables(int: string): string[] {
  return [
    // What identifies the messages that came, for as long as their source remembers.
    `create table if not exists skerry_foreign_seen (
      source text not null, id text not null, at ${int} not null, primary key (source, id))`,
    `create index if not exists skerry_foreign_seen_at on skerry_foreign_seen (source, at)`,
    // The next offset of each part of a log that is read by offset.
    `create table if not exists skerry_foreign_place (
      source text not null, part text not null, next ${int} not null, primary key (source, part))`,
  ]
}

/** How independently events of two kinds fare (`independence/measure`). */
function measureTables(int: string): string[] {
  return [
    // What each process counted in each second that it sampled, until one of them has folded its hour.
    `create table if not exists skerry_measured (
      second ${int} not null, member text not null, body text not null, primary key (second, member))`,
    // Sums of each day and pair, from which every test is made.
    `create table if not exists skerry_independence (
      day ${int} not null, a text not null, b text not null, body text not null, primary key (day, a, b))`,
  ]
}

/** For engines that hand events out instead of keeping a log that can be read by position. */
function inboxTables(int: string): string[] {
  return [
    // What an engine without a readable log has handed out: frames in the order of their arrival, from the first event's
    // position on, until all subscriptions have passed them (`flow/inbox`).
    `create table if not exists skerry_inbox (
      stream text not null, position ${int} not null, count ${int} not null, bytes ${int} not null, frame text not null,
      primary key (stream, position))`,
    // Single events that all have passed, but which a key in trouble or an exception will ask for.
    `create table if not exists skerry_inbox_kept (
      stream text not null, position ${int} not null, key text not null, frame text not null,
      primary key (stream, position))`,
    // The streams that come in: since when, what was removed (all below \`first\`), what is there, what never came.
    `create table if not exists skerry_inbox_stream (
      stream text primary key, start text not null, first ${int} not null default 0,
      events ${int} not null default 0, bytes ${int} not null default 0, missing ${int} not null default 0)`,
    // The highest number of each producer that has arrived, in all and by lane: what comes again is known by it.
    `create table if not exists skerry_inbox_mark (
      stream text not null, producer text not null, number ${int} not null, lanes text, seen ${int} not null,
      primary key (stream, producer))`,
    // The place in each source that has offsets; who moves it must know where it is.
    `create table if not exists skerry_inbox_source (source text primary key, place ${int} not null)`,
  ]
}

/**
 * Emitted events, in frames, until the bus has them. Numbers never restart. Where several processes write side by side, the
 * relay numbers what it takes; until then `first` is null.
 */
function outboxTable(dialect: Dialect): string {
  return dialect === 'sqlite'
    ? 'create table if not exists skerry_outbox (first integer primary key, count integer not null, frame text not null)'
    : `create table if not exists skerry_outbox (
        id bigint generated always as identity primary key, first bigint unique, count bigint not null, frame text not null)`
}
