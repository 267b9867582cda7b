import { SkerryError } from '../../errors.ts'
import { firstLine } from '../text.ts'

/** What a template says before any engine has seen it. */
export interface Scanned {
  readonly text: string
  /** The statement's first word, in lower case. */
  readonly verb: string
}

// One token: a comment, a quoted thing (which may be cut off by the end of the text), a word, or a single character.
// A doubled quote reads as two things side by side, which comes to the same.
const token =
  /--[^\n]*|\/\*[\s\S]*?(?:\*\/|$)|'[^']*(?:'|$)|"[^"]*(?:"|$)|`[^`]*(?:`|$)|\[[^\]]*(?:\]|$)|[\p{L}_][\p{L}\p{N}_$]*|[\d.]+|\s+|[\s\S]/gu

// Stands for a value while scanning; a template that holds it would be refused by every engine anyway.
const hole = '\u0000'

/**
 * Joins a template into one statement with a `?` for each value. Refuses what the engine would take for something else
 * without a word: a second statement (its tail is ignored), placeholders of the user's own (they shift the values), and
 * a value inside quotes or a comment.
 */
export function scan(template: TemplateStringsArray): Scanned {
  const source = template.join(hole)
  if (source.split(hole).length !== template.length)
    refuse(source, 'it holds a NUL character', 'pass such text as a value')
  let text = ''
  let verb = ''
  let previous = ''
  let ended = false
  let found = false
  for (const [part] of source.matchAll(token)) {
    const kind = kindOf(part)
    if (part !== hole && part.includes(hole))
      refuse(source, 'a value stands inside quotes or a comment', 'take it out of them; join text with ||')
    if (kind === 'blank') {
      text += part
      continue
    }
    if (part === ';') {
      ended = true
      continue
    }
    if (ended) refuse(source, 'there is more than one statement', 'use a template for each')
    if (kind === 'placeholder')
      refuse(source, `it has a placeholder of its own (${part})`, 'write values as template expressions')
    if (kind === 'word') {
      const word = part.toLowerCase()
      if (previous === 'or' && word === 'rollback')
        refuse(source, '`or rollback` ends the whole transaction', 'use `or abort`')
      verb ||= word
      previous = word
    } else previous = ''
    found = true
    // The blank keeps a following digit from making it a numbered placeholder.
    text += part === hole ? '? ' : part
  }
  if (!found) refuse(source, 'it is empty', 'write a statement')
  return { text: text.trim(), verb }
}

function kindOf(part: string): 'blank' | 'placeholder' | 'word' | 'other' {
  if (/^(\s|--|\/\*)/.test(part)) return 'blank'
  if (/^[?:@$]$/.test(part)) return 'placeholder'
  return /^[\p{L}_]/u.test(part) ? 'word' : 'other'
}

function refuse(source: string, why: string, instead: string): never {
  throw new SkerryError(
    'statement_refused',
    `${why}: ${instead} (statement: ${firstLine(source.replaceAll(hole, '?'))})`,
  )
}

/** How many values a bookkeeping text takes. */
export function countPlaceholders(text: string): number {
  let count = 0
  for (const [part] of text.matchAll(token)) if (part === '?') count++
  return count
}
