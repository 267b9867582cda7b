import type { Lineage, ReaderStatus, StreamStatus } from '../bus.ts'
import type { Row } from './database.ts'
import { quoted } from './tables.ts'

/** What the bus says of itself, each in one answer, so that it belongs together. */
export const lineageQuestion = (schema: string): string => `
  select identity, head, (select json_agg(json_build_object('token', number || '.' || token, 'start', start) order by number)
    from ${quoted(schema)}.incarnation)::text as incarnations
  from ${quoted(schema)}.bus`

export const statusQuestion = (schema: string): string => {
  const s = quoted(schema)
  return `
  select identity, head,
    (select sum(pg_total_relation_size(oid)) from pg_class where relkind = 'r' and relnamespace = '${s.replaceAll("'", "''")}'::regnamespace)
      as disk,
    (select json_agg(t order by t.stream) from (
      select st.name as stream, coalesce(sum(g.events), 0) as events, coalesce(sum(g.bytes), 0) as bytes,
        coalesce(min(g.first), st.next) as first, coalesce(max(g.next), st.next) as next
      from ${s}.stream st left join ${s}.segment g on g.stream = st.id group by st.id) t)::text as streams,
    (select json_agg(t order by t.subscription) from (
      select r.subscription, r.store, (select coalesce(json_object_agg(m.stream, m.position), '{}') from ${s}.mark m
        where m.subscription = r.subscription) as marks
      from ${s}.reader r) t)::text as readers
  from ${s}.bus`
}

export function lineageOf(row: Row): Lineage {
  return {
    bus: String(row.identity),
    head: Number(row.head),
    incarnations: JSON.parse(String(row.incarnations)) as Lineage['incarnations'],
  }
}

export const streamsOf = (row: Row): StreamStatus[] => JSON.parse(String(row.streams ?? '[]'))

export const readersOf = (row: Row): ReaderStatus[] => JSON.parse(String(row.readers ?? '[]'))
