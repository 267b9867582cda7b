import { type IncomingMessage, request } from 'node:http'
import { request as requestSecure } from 'node:https'
import { messageOf, SkerryError } from '../errors.ts'
import type { ClientTls } from '../mesh/tls.ts'

export interface Asked {
  readonly method: string
  /** With the query. */
  readonly path: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
}

export interface Answer {
  readonly status: number
  readonly text: string
}

/** One request to where a server says it listens: `http://127.0.0.1:8080`, `unix:/run/orders.sock`. */
export async function ask(
  url: string,
  { method, path, headers = {}, body }: Asked,
  tls: ClientTls = {},
): Promise<Answer> {
  const place = placeOf(url)
  const length = body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) }
  const answer = await new Promise<IncomingMessage>((resolve, reject) => {
    const asked = { ...place, method, path, headers: { ...headers, ...length }, agent: false as const }
    const sending = url.startsWith('https:') ? requestSecure({ ...asked, ...tls }, resolve) : request(asked, resolve)
    sending.once('error', (cause) =>
      reject(new SkerryError('unavailable', `${url} does not answer: ${messageOf(cause)}`, { cause })),
    )
    sending.end(body)
  })
  let text = ''
  for await (const chunk of answer.setEncoding('utf8')) text += chunk
  return { status: answer.statusCode ?? 0, text }
}

function placeOf(url: string): { socketPath: string } | { host: string; port: number } {
  if (url.startsWith('unix:')) return { socketPath: url.slice('unix:'.length) }
  const parsed = URL.parse(url)
  if (parsed?.protocol === 'http:' || parsed?.protocol === 'https:') {
    const usual = parsed.protocol === 'http:' ? 80 : 443
    return { host: parsed.hostname.replace(/^\[(.*)\]$/, '$1'), port: Number(parsed.port || usual) }
  }
  throw new SkerryError(
    'invalid_config',
    `'${url}' is no address; write http://127.0.0.1:8080, https://orders.internal or unix:/run/orders.sock`,
  )
}
