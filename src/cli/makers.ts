import { pathToFileURL } from 'node:url'
import type { AnyService } from '../service.ts'
import { type Imports, isLibrary, reached } from './imports.ts'

/** The module that makes each service: of those that export it the one that imports it from no other. */
export async function makersOf(services: readonly AnyService[], imports: Imports): Promise<Map<string, string>> {
  const exporters = new Map<string, string[]>(services.map(({ name }) => [name, []]))
  for (const file of imports.keys()) {
    if (isLibrary(file) || !/\.[cm]?[jt]s$/.test(file)) continue
    const exported = Object.values(await exportsOf(file))
    for (const service of services) if (exported.includes(service)) exporters.get(service.name)?.push(file)
  }
  const makers = new Map<string, string>()
  for (const [name, files] of exporters) {
    const first = files.find((file) => {
      const below = reached(imports, imports.get(file) ?? [])
      return !files.some((other) => other !== file && below.has(other))
    })
    if (first !== undefined) makers.set(name, first)
  }
  return makers
}

/** It has run already; one that could not be run makes nothing. */
async function exportsOf(file: string): Promise<Readonly<Record<string, unknown>>> {
  try {
    return (await import(pathToFileURL(file).href)) as Record<string, unknown>
  } catch {
    return {}
  }
}
