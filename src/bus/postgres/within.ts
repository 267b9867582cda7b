import { SkerryError } from '../../errors.ts'
import type { Frame } from '../../frame.ts'
import { explain, sqlState } from './failures.ts'
import { quoted, schemaOf } from './tables.ts'

/** A client of `pg`, or anything that asks as one: the transaction is the caller's. */
export interface Transaction {
  query(text: string, values: unknown[]): Promise<{ rows: unknown[] }>
}

export interface WithinOptions {
  /** The application whose bus it is; the bus was opened once before, in this database. */
  readonly app: string
  readonly stream: string
  readonly frame: Frame
}

/**
 * Appends a frame in a transaction that the caller commits: it is on the bus if and only if that commits, once.
 *
 * The frame gets its positions after the commit, from any process that has the bus open, as a rule within milliseconds;
 * until one is there it waits. So a long transaction holds up nobody, and no reader is past it when it commits.
 * Frames of one transaction keep their order, and so do transactions that begin after one another's commit; among those that
 * run side by side, and against `append`, there is no order. Price: each frame is written twice, and commits that notify
 * wait for one another's sync.
 *
 * Rejects with `overloaded` when the bus has no room (the transaction can go on), with `not_found` when there is no such bus,
 * and with `invalid_event` for what is no frame.
 */
export async function appendWithin(client: Transaction, { app, stream, frame }: WithinOptions): Promise<void> {
  const schema = schemaOf(app)
  const text = `select ${quoted(schema)}.append_within($1, $2, $3) as done`
  const { rows } = await client.query(text, [stream, countOf(frame, stream), frame]).catch((error: unknown) => {
    throw ['3F000', '42883'].includes(sqlState(error)) ? absent(schema, error) : explain(error, schema)
  })
  if ((rows[0] as { done?: unknown } | undefined)?.done === true) return
  throw new SkerryError(
    'overloaded',
    `${schema}: the bus has reached its size limit; raise maxBytes, or forget abandoned subscriptions so that retention can go on`,
    { retryAfterMs: 250 },
  )
}

/** An event is two lines. */
function countOf(frame: Frame, stream: string): number {
  let lines = 0
  for (let at = frame.indexOf('\n'); at >= 0; at = frame.indexOf('\n', at + 1)) lines++
  if (lines > 0 && lines % 2 === 0 && frame.endsWith('\n')) return lines / 2
  throw new SkerryError('invalid_event', `${stream}: what was given is no frame of events; make one with encodeFrame`)
}

function absent(schema: string, cause: unknown): SkerryError {
  return new SkerryError('not_found', `${schema}: there is no such bus in this database; open it once before`, {
    cause,
  })
}
