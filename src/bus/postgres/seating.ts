/** A process that has said nothing for so long is gone, or stopped, or blocked by a handler. */
const leaseMs = 5000
/** How long a process may be without its direct connection: others come back, too, after a restart of the server. */
const missingMs = 1000

/**
 * Who is there, and whose turn it is. A process is there while its direct connection holds its advisory lock, which the
 * server frees at once when the process dies, and while it renews its lease, which ends a machine that fell silent.
 * Turns are granted in the order of tickets. What the functions return of a seat is (version, grant, wanted): versions
 * tell a late answer from a new one, a grant is 0 for none, and `wanted` asks its holder to yield.
 */
export const groupFunctions = `
  create type @.seating as (seat bigint, version bigint, grant_number bigint, wanted boolean);

  create function @.arrive(p_process text) returns void language plpgsql as $f$
  declare
    v_session int := nextval('@.session');
  begin
    perform pg_advisory_lock((hashtext('@channel') & 2147483647), v_session);
    insert into @.process values (p_process, v_session, clock_timestamp())
      on conflict (id) do update set session = excluded.session, beat = excluded.beat, missing = null;
  end $f$;

  create function @.locked(p_session int) returns boolean language sql as $f$
    select exists (select from pg_locks
      where locktype = 'advisory' and objsubid = 2 and granted and classid = (hashtext('@channel') & 2147483647)::oid and objid = p_session::oid
        and database = (select oid from pg_database where datname = current_database()))
  $f$;

  -- Removes processes that are gone, and their turns with them.
  create function @.sweep() returns void language plpgsql as $f$
  declare
    v_rooms text[];
    v_room text;
  begin
    if not pg_try_advisory_xact_lock((hashtext('@channel') & 2147483647), 0) then
      return;
    end if;
    update @.process set missing = case when missing is null then clock_timestamp() end
      where (missing is null) = not @.locked(session);
    select array_agg(distinct t.room) into v_rooms from @.seat t join @.process p on p.id = t.process
      where p.missing < clock_timestamp() - interval '${missingMs} ms' or p.beat < clock_timestamp() - interval '${leaseMs} ms';
    delete from @.process p
      where p.missing < clock_timestamp() - interval '${missingMs} ms' or p.beat < clock_timestamp() - interval '${leaseMs} ms';
    foreach v_room in array coalesce(v_rooms, '{}') loop
      perform from @.room where name = v_room for update;
      perform @.settle(v_room);
      perform @.tell('m 0 ' || v_room);
    end loop;
  end $f$;

  -- Renews the lease and tells how our seats stand; false when we were taken for gone.
  create function @.beat(p_process text) returns table (known boolean, seats text) language plpgsql as $f$
  begin
    perform set_config('synchronous_commit', 'off', true);
    update @.process set beat = clock_timestamp() where id = p_process;
    known := found;
    perform @.sweep();
    select coalesce(json_agg(json_build_array(x.seat, x.version, x.grant_number, x.wanted)), '[]')::text into seats
      from @.seat t, @.standing(t.id) x where t.process = p_process;
    return next;
  end $f$;

  create function @.standing(p_seat bigint) returns @.seating language sql as $f$
    select t.id, r.version, case when r.holder = t.id then r.grants else 0 end, r.holder = t.id and r.wanted
    from @.seat t join @.room r on r.name = t.room where t.id = p_seat
  $f$;

  -- Grants a free turn, and asks its holder to yield when somebody waits. The caller holds the room's lock.
  create function @.settle(p_room text) returns void language plpgsql as $f$
  declare
    r @.room;
    v_next bigint;
    v_waiting boolean;
    v_tell boolean := false;
  begin
    select * into r from @.room where name = p_room;
    if r.holder is not null and not exists (select from @.seat where id = r.holder) then
      r.holder := null;
    end if;
    if r.holder is null then
      r.wanted := false;
      select id into v_next from @.seat where room = p_room and ticket is not null order by ticket limit 1;
      if v_next is not null then
        update @.seat set ticket = null where id = v_next;
        r.holder := v_next;
        r.grants := r.grants + 1;
        v_tell := true;
      end if;
    end if;
    v_waiting := r.holder is not null and exists (select from @.seat where room = p_room and ticket is not null);
    v_tell := v_tell or (v_waiting and not r.wanted);
    update @.room set version = r.version + 1, holder = r.holder, grants = r.grants, wanted = v_waiting where name = p_room;
    if v_tell then
      perform @.tell(format('t %s %s %s %s', r.holder, r.version + 1, r.grants, v_waiting::int));
    end if;
  end $f$;

  -- A seat of a room, or the same again after a pause.
  create function @.take_seat(p_process text, p_room text, p_member text, p_seat bigint)
  returns @.seating language plpgsql as $f$
  declare
    v_seat bigint;
  begin
    perform @.durably(true, 0);
    insert into @.room (name) values (p_room) on conflict do nothing;
    perform from @.room where name = p_room for update;
    select id into v_seat from @.seat where id = p_seat and process = p_process;
    if v_seat is null then
      insert into @.seat (room, process, member) values (p_room, p_process, p_member) returning id into v_seat;
      perform @.tell('m ' || v_seat || ' ' || p_room);
    end if;
    return @.standing(v_seat);
  end $f$;

  -- Gives a grant back (0 for none), and asks for the next turn if need be. Null when the seat is gone.
  create function @.take_turn(p_seat bigint, p_yield bigint, p_want boolean) returns @.seating language plpgsql as $f$
  declare
    v_room text;
    r @.room;
  begin
    perform @.durably(true, 0);
    select room into v_room from @.seat where id = p_seat;
    select * into r from @.room where name = v_room for update;
    if r.holder = p_seat and r.grants = p_yield then
      update @.room set holder = null where name = v_room;
      r.holder := null;
    end if;
    if p_want and r.holder is distinct from p_seat then
      update @.room set tickets = tickets + 1 where name = v_room;
      update @.seat set ticket = r.tickets + 1 where id = p_seat and ticket is null;
    end if;
    perform @.settle(v_room);
    return @.standing(p_seat);
  end $f$;

  create function @.leave_seat(p_seat bigint) returns void language plpgsql as $f$
  declare
    v_room text;
  begin
    perform @.durably(true, 0);
    select room into v_room from @.seat where id = p_seat;
    perform from @.room where name = v_room for update;
    delete from @.seat where id = p_seat;
    if found then
      perform @.settle(v_room);
      perform @.tell('m ' || p_seat || ' ' || v_room);
    end if;
  end $f$;

  create function @.members(p_seat bigint)
  returns table (members text[], seat bigint, version bigint, grant_number bigint, wanted boolean) language sql as $f$
    select (select array_agg(distinct o.member) from @.seat o where o.room = t.room), x.*
    from @.seat t, @.standing(p_seat) x where t.id = p_seat
  $f$;`
