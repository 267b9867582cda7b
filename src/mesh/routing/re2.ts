import { RE2JS } from 're2js'
import type { CompilePattern } from './pattern.ts'

/** RE2 in JavaScript. A JavaScript `RegExp` means something else in places, and can take for ever. */
export const compileRe2: CompilePattern = (source) => {
  const compiled = RE2JS.compile(source)
  return {
    matches: (text) => compiled.testExact(text),
    replace: (text, substitution) =>
      compiled
        .matcher(text)
        .replaceAll((...found: unknown[]) => substitute(substitution, found, compiled.groupCount())),
  }
}

/** `found` begins with the whole match and the groups. A group that took no part is empty. */
function substitute(substitution: string, found: readonly unknown[], groups: number): string {
  return substitution.replace(/\\(?:(\d)|\\)/g, (_, digit: string | undefined) => {
    if (digit === undefined) return '\\'
    return Number(digit) <= groups ? ((found[Number(digit)] as string | undefined) ?? '') : ''
  })
}
