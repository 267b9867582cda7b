import { existsSync, statSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { messageOf, SkerryError } from '../errors.ts'
import type { AnyService } from '../service.ts'

const moduleNames = ['service.ts', 'service.js', 'service.mjs']

/** All services that the modules export. A path is a module, or a folder with a `service.ts`. */
export async function loadServices(paths: readonly string[]): Promise<AnyService[]> {
  const found = new Map<string, { service: AnyService; file: string }>()
  for (const path of paths) {
    const file = moduleOf(path)
    for (const service of await exportedBy(file)) {
      const before = found.get(service.name)
      if (before && before.service !== service)
        throw new SkerryError(
          'invalid_config',
          `two services are called '${service.name}': in ${before.file} and in ${file}; rename one`,
        )
      found.set(service.name, { service, file })
    }
  }
  return [...found.values()].map(({ service }) => service)
}

function moduleOf(path: string): string {
  const whole = resolve(path)
  const stat = statSync(whole, { throwIfNoEntry: false })
  if (!stat)
    throw new SkerryError('not_found', `there is no ${path}; name a module that exports a service, or its folder`)
  if (!stat.isDirectory()) return whole
  const name = moduleNames.find((one) => existsSync(join(whole, one)))
  if (!name) throw new SkerryError('not_found', `${path} has no ${moduleNames[0]}; name the module itself`)
  return join(whole, name)
}

async function exportedBy(file: string): Promise<AnyService[]> {
  let module: Record<string, unknown>
  try {
    module = (await import(pathToFileURL(file).href)) as Record<string, unknown>
  } catch (cause) {
    throw new SkerryError('invalid_config', `${file} cannot be loaded: ${messageOf(cause)}`, { cause })
  }
  const services = [...new Set(Object.values(module).filter(isService))]
  if (services.length === 0)
    throw new SkerryError('invalid_config', `${file} exports no service; write: export const name = service(…)`)
  return services
}

/** By shape: the module may have been loaded with another copy of the package. */
function isService(value: unknown): value is AnyService {
  if (typeof value !== 'object' || value === null) return false
  const { name, contract, subscriptions, subscribe } = value as Partial<AnyService>
  return typeof name === 'string' && !!contract && subscriptions instanceof Map && typeof subscribe === 'function'
}
