import { basename, dirname, join, relative } from 'node:path'
import type { Changes } from './changes.ts'
import { type Imports, reached } from './imports.ts'

export interface Known {
  readonly changes: Changes
  readonly imports: Imports
  /** The modules that make the services, by their names. */
  readonly makers: ReadonlyMap<string, string>
  /** The folder, or the module, that is checked. */
  readonly path: string
}

/** Two event types of one service, `orders.placed` and `orders.cancelled`. */
export interface Both {
  readonly service: string
  readonly a: string
  readonly b: string
}

/** Files that say which libraries there are. */
const manifests = ['package.json', 'package-lock.json', 'npm-shrinkwrap.json', 'yarn.lock', 'pnpm-lock.yaml']

/**
 * Says of a pair why it need not be checked, or nothing where it may have come to something else: its service's modules have
 * changed, or those of the service whose events it is about.
 */
export function unaffected({ changes, imports, makers, path }: Known): (pair: Both) => string | undefined {
  const manifest = changes.files.find((file) => manifests.includes(basename(file)) && isAbove(dirname(file), path))
  if (manifest !== undefined) return () => undefined
  const touched = new Set(
    [...makers.keys()].filter((service) => {
      const modules = modulesOf(service, imports, makers)
      return changes.files.some((file) => isAmong(file, modules))
    }),
  )
  return ({ service, a, b }) => {
    const changed = touched.has(service) || [a, b].some((label) => touched.has(label.slice(0, label.indexOf('.'))))
    return changed ? undefined : `no module of it, or of whose events these are, has changed since ${changes.since}`
  }
}

/**
 * What a service is made of: its module and what that imports, and modules that add handlers to it. Of one that knows other
 * services as well, such as a list of all, what these are made of is theirs.
 */
export function modulesOf(service: string, imports: Imports, makers: ReadonlyMap<string, string>): ReadonlySet<string> {
  const maker = makers.get(service)
  // Nobody exports it: anything may have made it.
  if (maker === undefined) return new Set(imports.keys())
  const others = new Set([...makers.values()].filter((file) => file !== maker))
  const theirs = reached(imports, others)
  const found = new Set(reached(imports, [maker]))
  for (const file of imports.keys()) {
    const below = reached(imports, [file])
    if (others.has(file) || !below.has(maker)) continue
    const isShared = [...others].some((other) => below.has(other))
    for (const one of below) if (!isShared || !theirs.has(one)) found.add(one)
  }
  return found
}

/** A module may name a folder. */
function isAmong(file: string, modules: ReadonlySet<string>): boolean {
  for (let at = file; at !== dirname(at); at = dirname(at))
    if (modules.has(at) || modules.has(join(at, '/'))) return true
  return false
}

function isAbove(folder: string, path: string): boolean {
  return !relative(folder, path).startsWith('..')
}
