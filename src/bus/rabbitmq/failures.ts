import { messageOf, SkerryError } from '../../errors.ts'
import { tlsError } from '../../tls.ts'

/** The server's address as people may see it: without the password. */
export function shownUrl(url: string): string {
  const parsed = URL.parse(url)
  if (!parsed) return 'amqp: not a URL'
  parsed.password = ''
  parsed.search = ''
  return parsed.href
}

/** AMQP's own number of what went wrong, wherever the client library puts it. */
export function replyCode(error: unknown): number | undefined {
  const { code } = error as { code?: unknown }
  if (typeof code === 'number') return code
  const found = /\b(4\d\d|5\d\d) \(/.exec(messageOf(error))
  return found ? Number(found[1]) : undefined
}

/** What a failure to connect, or of a channel, means. Never shows a password. */
export function explain(error: unknown, shown: string): SkerryError {
  if (error instanceof SkerryError) return error
  const cause = { cause: error }
  const code = replyCode(error)
  if (code === 403)
    return new SkerryError('unauthorized', `${shown} refuses the user or lets it not do this: ${tidy(error)}`, cause)
  if (code === 530)
    return new SkerryError(
      'unauthorized',
      `${shown}: the virtual host is missing, or closed to this user: ${tidy(error)}`,
      cause,
    )
  if (code === 406)
    return new SkerryError(
      'invalid_config',
      `${shown}: what is there was made with other settings; use those, or delete it: ${tidy(error)}`,
      cause,
    )
  const distrusted = tlsError(error, shown)
  if (distrusted) return distrusted
  // A listener with TLS hangs up on who begins without.
  const hint =
    shown.startsWith('amqp:') && /opening handshake|ECONNRESET/.test(messageOf(error))
      ? '; is it for TLS? Use amqps:'
      : ''
  return new SkerryError('unavailable', `${shown} cannot be reached: ${tidy(error)}${hint}`, cause)
}

function tidy(error: unknown): string {
  const text = messageOf(error).replaceAll(/\s+/g, ' ')
  return text === 'AggregateError' ? String((error as AggregateError).errors[0]) : text
}
