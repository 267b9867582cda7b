import { SkerryError } from '../../errors.ts'
import type { Problem } from './fields.ts'

/** A regular expression of RE2's syntax, which is matched in time linear in the text. */
export interface Pattern {
  /** True when the whole text matches. */
  matches(text: string): boolean
  /** Replaces each match; `\1` in the substitution is what the first group matched, `\0` the whole match. */
  replace(text: string, substitution: string): string
}

/**
 * Compiles one, or throws an error that says what is wrong with it. It is an input: whoever has no regular expression in
 * a route needs no library for them.
 */
export type CompilePattern = (source: string) => Pattern

const longestPattern = 1024

export function checkPattern(source: string, path: string, compile: CompilePattern, problems: Problem[]): void {
  if (source === '') problems.push({ path, message: 'cannot be empty' })
  else if (new TextEncoder().encode(source).length > longestPattern)
    problems.push({ path, message: `is too long: at most ${longestPattern} bytes` })
  else {
    try {
      compile(source)
    } catch (error) {
      // What is wrong then is not the pattern.
      if (error instanceof SkerryError) throw error
      const reason = error instanceof Error ? error.message : String(error)
      problems.push({ path, message: `is not a regular expression of RE2: ${reason}` })
    }
  }
}
