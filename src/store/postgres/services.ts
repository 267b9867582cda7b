import { openError } from './errors.ts'
import { clientConfig, literal, parseUrl, quoted, shown } from './place.ts'

/** Names of the services of an application that have a store in this database, sorted. Changes nothing. */
export async function servicesOf(text: string, app: string): Promise<string[]> {
  const url = parseUrl(text)
  const { Client } = (await import('pg')).default
  const client = new Client(clientConfig(url, 5000))
  // Whatever ends the connection meanwhile is told by the query that is under way.
  client.on('error', () => {})
  try {
    await client.connect()
    const { rows } = await client.query<{ nspname: string }>(
      `select nspname from pg_namespace n where nspname like 'skerry\\_%'
         and exists (select 1 from pg_class where relnamespace = n.oid and relname = 'skerry_meta')`,
    )
    if (rows.length === 0) return []
    const each = rows.map(
      ({ nspname }) => `select value as service from ${quoted(nspname)}.skerry_meta where name = 'service' and exists (
        select 1 from ${quoted(nspname)}.skerry_meta where name = 'app' and value = ${literal(app)})`,
    )
    const found = await client.query<{ service: string }>(each.join(' union '))
    return found.rows.map(({ service }) => service).sort()
  } catch (error) {
    throw openError(error, shown(url))
  } finally {
    await client.end().catch(() => {})
  }
}
