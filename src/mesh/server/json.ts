import { messageOf, SkerryError } from '../../errors.ts'

/** Deepest nesting of arrays and objects. */
export const deepest = 64

const utf8 = new TextDecoder('utf-8', { fatal: true })

/** Throws `invalid_request` for what is no JSON in UTF-8. */
export function parseJson(bytes: Uint8Array): unknown {
  let text: string
  try {
    text = utf8.decode(bytes)
  } catch (cause) {
    throw new SkerryError('invalid_request', 'the body is not UTF-8', { cause })
  }
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new SkerryError('invalid_request', `the body is not JSON: ${messageOf(cause)}`, { cause })
  }
}

/**
 * Throws `invalid_request` for what schemas and stores stumble over: nesting without end, the character U+0000, which PostgreSQL
 * cannot store, and fields called `__proto__`, which would be the prototype of a copy.
 */
export function checkJson(value: unknown, depth = 0): void {
  if (typeof value === 'string') {
    if (value.includes('\0')) throw new SkerryError('invalid_request', 'a text holds the character U+0000')
    return
  }
  if (typeof value !== 'object' || value === null) return
  if (depth === deepest) throw new SkerryError('invalid_request', `nested more than ${deepest} levels deep`)
  if (Array.isArray(value)) {
    for (const one of value) checkJson(one, depth + 1)
    return
  }
  for (const name in value) {
    if (name === '__proto__') throw new SkerryError('invalid_request', 'a field is called __proto__')
    if (name.includes('\0')) throw new SkerryError('invalid_request', 'the name of a field holds the character U+0000')
    checkJson((value as Record<string, unknown>)[name], depth + 1)
  }
}
