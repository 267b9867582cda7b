import { readFileSync } from 'node:fs'
import { messageOf, SkerryError } from '../../errors.ts'
import { unknown } from '../routing/fields.ts'
import type { CompilePattern } from '../routing/pattern.ts'
import { type Given, type MeshRules, readRules, type Wrong } from './rules.ts'
import type { Parsed } from './yaml.ts'

const kinds: Readonly<Record<string, Given['kind']>> = {
  VirtualService: 'routes',
  DestinationRule: 'destinations',
}
const sections = ['routes', 'destinations', 'policies'] as const

/**
 * Rules from a file of YAML or JSON: documents with `routes`, `destinations` and `policies`, or Istio's own, told by `kind`. Throws
 * `invalid_config` that names file, line, column and field of everything that is wrong.
 */
export function readRulesFile(
  file: string,
  parse: (text: string) => Parsed,
  compile: CompilePattern,
): Required<MeshRules> {
  const parsed = parse(textOf(file))
  const wrong: Wrong[] = []
  const given = parsed.documents.flatMap((document, i) => givenIn(document, i, wrong))
  const { rules, problems } = readRules(given, compile)
  const lines = [
    ...parsed.errors.map(({ line, column, message }) => `${file}:${line}:${column}: ${message}`),
    ...[...wrong, ...problems].map(({ document = 0, path, message }) => {
      const { line, column } = parsed.place(document, path)
      return `${file}:${line}:${column}: ${path === '' ? '' : `${path} `}${message}`
    }),
  ]
  if (lines.length === 0) return rules
  throw new SkerryError('invalid_config', lines.join('\n'))
}

function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (cause) {
    throw new SkerryError('invalid_config', `${file}: cannot be read (${messageOf(cause)})`, { cause })
  }
}

/** What one document says, as it stands. */
function givenIn(document: unknown, index: number, wrong: Wrong[]): Given[] {
  const say = (path: string, message: string): [] => {
    wrong.push({ document: index, path, message })
    return []
  }
  // An empty one, as after a last `---`.
  if (document === null || document === undefined) return []
  if (typeof document !== 'object' || Array.isArray(document)) return say('', 'must be an object')
  const fields = document as Readonly<Record<string, unknown>>
  if (typeof fields.kind === 'string') {
    const kind = Object.hasOwn(kinds, fields.kind) ? kinds[fields.kind] : undefined
    if (!kind) return say('kind', unknown('kind', fields.kind, Object.keys(kinds)))
    return [{ kind, path: 'spec', value: fields.spec, document: index }]
  }
  return Object.entries(fields).flatMap(([name, value]) => {
    const kind = sections.find((one) => one === name)
    if (!kind) return say(name, unknown('field', name, [...sections, 'kind']))
    if (value === null) return []
    if (!Array.isArray(value)) return say(name, 'must be a list')
    return value.map((one, i) => ({ kind, path: `${name}[${i}]`, value: one, document: index }))
  })
}
