import { SkerryError } from '../../errors.ts'
import type { Headers } from './headers.ts'
import { parseJson } from './json.ts'

/** What a body says: JSON in UTF-8, as it is; nothing else is guessed. Undefined for one that is empty. */
export function readJsonBody(contentType: string | undefined, body: Uint8Array): unknown {
  const [, charset = 'utf-8'] = /;\s*charset="?([^";\s]+)/i.exec(contentType ?? '') ?? []
  if (charset.toLowerCase() !== 'utf-8') throw unsupported(`charset ${charset}: send JSON in UTF-8`)
  return body.length === 0 ? undefined : parseJson(body)
}

/** Throws `unsupported_media_type` for a body that was packed. */
export function refuseEncoding({ 'content-encoding': encoding }: Headers): void {
  if (encoding !== undefined && encoding !== 'identity')
    throw unsupported(`content-encoding ${encoding}: send it as it is`)
}

/** Throws `unsupported_media_type` for a body that does not say that it is JSON. */
export function refuseOtherTypes(contentType: string | undefined): void {
  if (/^application\/json\s*(?:;|$)/i.test(contentType ?? '')) return
  throw otherType(contentType)
}

export const otherType = (contentType: string | undefined): SkerryError =>
  unsupported(`content-type ${contentType ?? 'is missing'}: send application/json`)

export const tooLarge = (mostBytes: number): SkerryError =>
  new SkerryError('request_too_large', `the body has more than ${mostBytes} bytes`)

const unsupported = (why: string): SkerryError => new SkerryError('unsupported_media_type', why)
