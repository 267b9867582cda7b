/**
 * What is done to the log, as functions of the server: an append is one statement, so that the row which puts all
 * appends in order is locked for one commit and no round trip; any connection of a transaction-mode pooler will do.
 *
 * Why no reader skips an event: whoever gives out positions holds the lock of the one row in `bus` from before it
 * reads `head` until it is committed, and a commit is visible before its locks are free. So a snapshot that shows a
 * position shows all that are lower.
 */
export const logFunctions = `
  -- Where this database is, as opposed to a copy of it: a file copy needs a start of the server, a logical one another database.
  create function @.evidence() returns text language sql stable as $f$
    select pg_postmaster_start_time()::text || '/' || (select oid from pg_database where datname = current_database())
  $f$;

  create function @.tell(p_payload text) returns void language plpgsql as $f$
  begin
    perform pg_notify('@channel', p_payload);
  end $f$;

  create function @.durably(p_synced boolean, p_wait_ms int) returns void language plpgsql as $f$
  begin
    perform set_config('lock_timeout', p_wait_ms::text, true);
    -- A server that replicates synchronously is told nothing weaker.
    if not p_synced then
      perform set_config('synchronous_commit', 'off', true);
    elsif current_setting('synchronous_commit') = 'off' then
      perform set_config('synchronous_commit', 'on', true);
    end if;
  end $f$;

  -- Takes the lock that puts all appends in order. Begins a writer's term when asked to, or when this is no longer the place
  -- where the last one was written.
  create function @.enter(p_begin boolean, p_token text, p_now bigint) returns @.bus language plpgsql as $f$
  declare
    b @.bus;
    e text := @.evidence();
  begin
    select * into strict b from @.bus for update;
    if p_begin or b.evidence <> e then
      b.terms := b.terms + 1;
      insert into @.incarnation values (b.terms, p_token, b.head, p_now);
      update @.bus set terms = b.terms, evidence = e;
    end if;
    return b;
  end $f$;

  -- Puts a frame at the end of its stream; returns its size in bytes.
  create function @.place(p_stream text, p_count int, p_frame text, p_position bigint, p_segment bigint, p_now bigint)
  returns int language plpgsql as $f$
  declare
    v_stream int;
    v_bytes int := octet_length(p_frame);
  begin
    select id into v_stream from @.stream where name = p_stream;
    if v_stream is null then
      insert into @.stream (name, next) values (p_stream, p_position) returning id into v_stream;
    end if;
    insert into @.log values (v_stream, p_position, p_count, v_bytes, p_frame);
    update @.segment
      set next = p_position + p_count, events = events + p_count, bytes = bytes + v_bytes, last_at = greatest(last_at, p_now)
      where stream = v_stream and first = (select max(first) from @.segment where stream = v_stream) and bytes < p_segment;
    if not found then
      insert into @.segment values (v_stream, p_position, p_position + p_count, p_count, v_bytes, p_now, p_now);
    end if;
    return v_bytes;
  end $f$;

  -- Appends batches in one transaction. One result for each: 0 when it is durable, -1 when there is no room,
  -- and mark + 1 when something is missing after the producer's mark.
  create function @.append(
    p_tag text, p_begin boolean, p_token text, p_synced boolean, p_wait_ms int, p_room bigint, p_segment bigint,
    p_now bigint, p_known bigint, p_streams text[], p_producers text[], p_after bigint[], p_first bigint[], p_counts int[],
    p_lengths int[], p_frames bytea)
  returns bigint[] language plpgsql as $f$
  declare
    b @.bus;
    v_results bigint[] := '{}';
    v_told text[] := '{}';
    v_at int := 1;
    v_mark bigint;
    v_drop int;
    v_frame text;
  begin
    perform @.durably(p_synced, p_wait_ms);
    b := @.enter(p_begin, p_token, p_now);
    if b.head < p_known then
      raise exception 'the bus ends at position % and had been seen up to %', b.head, p_known using errcode = 'SK001';
    end if;
    for i in 1 .. array_length(p_streams, 1) loop
      select mark into v_mark from @.producer where name = p_producers[i];
      v_mark := coalesce(v_mark, 0);
      v_drop := least(greatest(v_mark - p_first[i] + 1, 0), p_counts[i]);
      if p_after[i] > v_mark then
        v_results := v_results || (v_mark + 1);
      elsif v_drop = p_counts[i] then
        v_results := v_results || 0::bigint;
      elsif b.bytes + p_lengths[i] > p_room then
        v_results := v_results || -1::bigint;
      else
        v_frame := convert_from(substring(p_frames from v_at for p_lengths[i]), 'UTF8');
        if v_drop > 0 then
          -- An event is two lines.
          v_frame := array_to_string((string_to_array(v_frame, E'\\n'))[2 * v_drop + 1 :], E'\\n');
        end if;
        b.bytes := b.bytes + @.place(p_streams[i], p_counts[i] - v_drop, v_frame, b.head, p_segment, p_now);
        b.head := b.head + p_counts[i] - v_drop;
        insert into @.producer values (p_producers[i], p_first[i] + p_counts[i] - 1)
          on conflict (name) do update set mark = excluded.mark;
        v_results := v_results || 0::bigint;
        if p_streams[i] <> all (v_told) then
          v_told := v_told || p_streams[i];
          perform @.tell('a ' || p_tag || ' ' || p_streams[i]);
        end if;
      end if;
      v_at := v_at + p_lengths[i];
    end loop;
    update @.bus set head = b.head, bytes = b.bytes, room = p_room;
    return v_results;
  end $f$;

  -- Within somebody's own transaction: no lock is taken that an append needs. False when there is no room.
  create function @.append_within(p_stream text, p_count int, p_frame text) returns boolean language plpgsql as $f$
  begin
    if (select bytes + octet_length(p_frame) > room from @.bus) then
      return false;
    end if;
    insert into @.pending (stream, count, frame) values (p_stream, p_count, p_frame);
    perform @.tell('p');
    return true;
  end $f$;

  -- Gives positions to what such transactions have committed, some at a time; says whether there may be more.
  create function @.collect(
    p_token text, p_synced boolean, p_wait_ms int, p_segment bigint, p_now bigint)
  returns boolean language plpgsql as $f$
  declare
    b @.bus;
    r record;
    n int := 0;
    v_told text[] := '{}';
  begin
    if not exists (select from @.pending) then
      return false;
    end if;
    perform @.durably(p_synced, p_wait_ms);
    b := @.enter(false, p_token, p_now);
    for r in
      with taken as (
        delete from @.pending where id in (select id from @.pending order by id limit 200) returning *)
      select * from taken order by id
    loop
      b.bytes := b.bytes + @.place(r.stream, r.count, r.frame, b.head, p_segment, p_now);
      b.head := b.head + r.count;
      n := n + 1;
      if r.stream <> all (v_told) then
        v_told := v_told || r.stream;
        perform @.tell('a - ' || r.stream);
      end if;
    end loop;
    update @.bus set head = b.head, bytes = b.bytes;
    return n = 200;
  end $f$;

  -- Whole rows of a stream until the credit is used up; then one more row (head, 1 when the credit ended it, newest term).
  -- A position below the floor gives one row (floor, -1).
  create function @.read(p_stream text, p_from bigint, p_events bigint, p_bytes bigint)
  returns table (place bigint, events int, body text) language plpgsql stable as $f$
  declare
    v_stream int;
    v_floor bigint;
    r record;
    v_start bigint;
    v_rows int := 0;
    v_events bigint := 0;
    v_bytes bigint := 0;
    v_cut int := 0;
  begin
    select st.id, st.floor into v_stream, v_floor from @.stream st where st.name = p_stream;
    if p_from < v_floor then
      return query select v_floor, -1, null::text;
      return;
    end if;
    select max(l.position) into v_start from @.log l where l.stream = v_stream and l.position <= p_from;
    -- With a limit that it knows the planner walks the index; without one it sorts all that follows.
    for r in
      select l.position, l.count, l.bytes, l.frame from @.log l
      where l.stream = v_stream and l.position >= coalesce(v_start, 0) and l.position + l.count > p_from
      order by l.stream, l.position limit 200
    loop
      v_rows := v_rows + 1;
      return query select r.position, r.count, r.frame;
      v_events := v_events + r.position + r.count - greatest(r.position, p_from);
      v_bytes := v_bytes + r.bytes;
      if v_events >= p_events or v_bytes >= p_bytes or v_rows = 200 then
        v_cut := 1;
        exit;
      end if;
    end loop;
    return query select b.head, v_cut, b.terms || '.' || i.token
      from @.bus b join @.incarnation i on i.number = b.terms;
  end $f$;

  -- The oldest segment that may go: every registered reader has passed it, and it is too old or more than must be kept.
  create function @.expired(p_before bigint, p_keep bigint) returns @.segment language sql stable as $f$
    select g.stream, g.first, g.next, g.events, g.bytes, g.first_at, g.last_at
    from (select *,
        row_number() over (partition by stream order by first) as place,
        sum(bytes) over (partition by stream) - bytes as kept
      from @.segment) g
    join @.stream st on st.id = g.stream
    where g.place = 1 and (g.last_at < p_before or g.kept >= p_keep)
      and g.next <= coalesce((select min(position) from @.mark where stream = st.name), g.next)
    order by g.first limit 1
  $f$;

  -- Drops one segment; says whether there was one.
  create function @.retain(p_before bigint, p_keep bigint, p_wait_ms int) returns boolean language plpgsql as $f$
  declare
    g @.segment;
  begin
    if (select e.stream is null from @.expired(p_before, p_keep) e) then
      return false;
    end if;
    perform @.durably(true, p_wait_ms);
    perform from @.bus for update;
    g := @.expired(p_before, p_keep);
    if g.stream is null then
      return false;
    end if;
    delete from @.log where stream = g.stream and position >= g.first and position < g.next;
    delete from @.segment where stream = g.stream and first = g.first;
    update @.stream set floor = g.next, next = g.next where id = g.stream;
    update @.bus set bytes = bytes - g.bytes;
    return true;
  end $f$;

  -- The store that has the name already, or null; and the marks before. A reader that comes is seen by the next retention.
  create function @.register(p_subscription text, p_store text, p_streams text[], p_positions bigint[])
  returns table (taken text, marks text) language plpgsql as $f$
  declare
    v_store text;
    v_known boolean;
  begin
    perform @.durably(true, 0);
    perform from @.bus for update;
    select store into v_store from @.reader where subscription = p_subscription;
    v_known := found;
    if v_known and v_store <> p_store then
      return query select v_store, null::text;
      return;
    end if;
    insert into @.reader values (p_subscription, p_store) on conflict do nothing;
    return query select null::text, case when v_known then
      (select coalesce(json_object_agg(m.stream, m.position), '{}')::text from @.mark m where m.subscription = p_subscription) end;
    perform @.acknowledge(p_subscription, p_streams, p_positions);
  end $f$;

  -- A mark never moves back, and marks of unknown subscriptions are of forgotten ones: they stay forgotten.
  create function @.acknowledge(p_subscription text, p_streams text[], p_positions bigint[])
  returns void language sql as $f$
    insert into @.mark
      select r.subscription, m.stream, m.position
      from unnest(p_streams, p_positions) as m (stream, position)
      join @.reader r on r.subscription = p_subscription for key share of r
      on conflict (subscription, stream) do update set position = greatest(mark.position, excluded.position)
  $f$;`
