import { readFileSync } from 'node:fs'
import { registerHooks } from 'node:module'
import { fileURLToPath, pathToFileURL } from 'node:url'

/** Which modules name which files and folders: by whole paths. */
export type Imports = ReadonlyMap<string, ReadonlySet<string>>

/** Notes which module imports which, as the loader of this thread finds them, until it is asked. */
export class Importing {
  readonly #edges = new Map<string, Set<string>>()
  readonly #hooks = registerHooks({
    resolve: (specifier, context, next) => {
      const found = next(specifier, context)
      const [from, to] = [fileOf(context.parentURL), fileOf(found.url)]
      if (to !== undefined) this.#add(to)
      if (from !== undefined && to !== undefined) this.#add(from).add(to)
      return found
    },
  })

  /** With what the modules themselves name and did not import yet. */
  end(): Imports {
    this.#hooks.deregister()
    for (const [file, names] of this.#edges)
      if (!isLibrary(file)) for (const name of namedIn(file, sourceOf(file))) names.add(name)
    return this.#edges
  }

  #add(file: string): Set<string> {
    const known = this.#edges.get(file) ?? new Set()
    this.#edges.set(file, known)
    return known
  }
}

const later = /\bimport\s*\(\s*(['"])(\.{1,2}\/[^'"]*)\1\s*\)/g
const beside = /\bnew\s+URL\s*\(\s*(['"])(\.{1,2}\/[^'"]*)\1\s*,\s*import\.meta\.url\s*\)/g

/** What is imported later, and files and folders beside the module, such as its migrations. */
export function namedIn(file: string, source: string): string[] {
  const found = [later, beside].flatMap((pattern) => [...source.matchAll(pattern)])
  return found.map(([, , name]) => fileURLToPath(new URL(name as string, pathToFileURL(file))))
}

function sourceOf(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return ''
  }
}

function fileOf(url: string | undefined): string | undefined {
  return url?.startsWith('file:') ? fileURLToPath(url) : undefined
}

export function isLibrary(file: string): boolean {
  return /[\\/]node_modules[\\/]/.test(file)
}

/** Everything that can be reached from some modules, themselves included. */
export function reached(imports: Imports, from: Iterable<string>): ReadonlySet<string> {
  const found = new Set(from)
  for (const file of found) for (const next of imports.get(file) ?? []) found.add(next)
  return found
}
