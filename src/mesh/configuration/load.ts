import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import { SkerryError } from '../../errors.ts'
import type { Source } from '../request.ts'
import type { CompilePattern } from '../routing/pattern.ts'
import { readRulesFile } from './file.ts'
import { acceptRules, type CompiledRules, compileRules, type MeshRules } from './rules.ts'

const need = createRequire(import.meta.url)
/** Of a module of ours: as it is here, or compiled. */
const ending = import.meta.url.slice(-3)

/** Regular expressions of RE2, whose library is loaded with the first of them: a client without any needs none. */
export const compilePattern: CompilePattern = (source) =>
  library<typeof import('../routing/re2.ts')>(`../routing/re2${ending}`, 're2js').compileRe2(source)

/** Throws `invalid_config`: what is written in code has paths, what is in a file lines, too. */
export function loadRules(rules: MeshRules | string | URL): Required<MeshRules> {
  if (typeof rules !== 'string' && !(rules instanceof URL)) return acceptRules(rules, compilePattern)
  const { parseYaml } = library<typeof import('./yaml.ts')>(`./yaml${ending}`, 'yaml')
  return readRulesFile(rules instanceof URL ? fileURLToPath(rules) : rules, parseYaml, compilePattern)
}

const nobody: Source = { labels: {}, namespace: '' }

/** The same, ready for a client: what `MeshClient` is given. Without rules everything is at its default. */
export function clientRules(
  rules: MeshRules | string | URL | undefined,
  source: Partial<Source> = {},
): Partial<CompiledRules> {
  return rules === undefined ? {} : compileRules(loadRules(rules), { ...nobody, ...source }, compilePattern)
}

/** Loads what needs a library that is installed only by those who make use of it. */
function library<T>(module: string, name: string): T {
  try {
    return need(module) as T
  } catch (cause) {
    if (!['ERR_MODULE_NOT_FOUND', 'MODULE_NOT_FOUND'].includes(String((cause as NodeJS.ErrnoException).code)))
      throw cause
    throw new SkerryError('invalid_config', `this needs a library that is not installed: npm install ${name}`, {
      cause,
    })
  }
}
