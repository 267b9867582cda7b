/** One line of an input, numbered from 1. */
export type Line =
  | { readonly number: number; readonly text: string }
  | { readonly number: number; readonly code: 'event_too_large' | 'invalid_event'; readonly message: string }

const feed = 0x0a
const utf8 = new TextDecoder('utf8', { fatal: true, ignoreBOM: false })

/**
 * Lines as they come: each batch is what one read brought, so that nothing waits for more input. A line that is too
 * long, or no UTF-8, is told from the others, and never held in memory whole.
 */
export async function* lineBatches(input: AsyncIterable<Uint8Array>, maxBytes: number): AsyncGenerator<Line[]> {
  let kept: Uint8Array[] = []
  let size = 0
  let number = 0
  const end = (): Line => {
    const line = toLine(++number, kept, size, maxBytes)
    kept = []
    size = 0
    return line
  }
  const keep = (part: Uint8Array): void => {
    size += part.length
    if (size <= maxBytes) kept.push(part)
  }
  for await (const chunk of input) {
    const lines: Line[] = []
    let from = 0
    for (let to = chunk.indexOf(feed); to >= 0; to = chunk.indexOf(feed, from)) {
      keep(chunk.subarray(from, to))
      lines.push(end())
      from = to + 1
    }
    keep(chunk.subarray(from))
    if (lines.length > 0) yield lines
  }
  if (size > 0) yield [end()]
}

function toLine(number: number, parts: readonly Uint8Array[], size: number, maxBytes: number): Line {
  if (size > maxBytes)
    return { number, code: 'event_too_large', message: `${size} bytes on one line, at most ${maxBytes}` }
  try {
    return { number, text: utf8.decode(Buffer.concat(parts)).trim() }
  } catch {
    return { number, code: 'invalid_event', message: 'not UTF-8' }
  }
}
