import { existsSync, globSync, statSync } from 'node:fs'
import { basename, join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { messageOf, SkerryError } from '../errors.ts'
import { type Check, check } from '../independence/check/check.ts'
import { loadServices } from './services.ts'

const configs = ['check.ts', 'check.js', 'check.mjs']

/**
 * What is to be checked: a module with `export default check(…)`, a module that exports services, or a folder, with its
 * `check.ts` or all the `service.ts` in it.
 */
export async function loadCheck(path: string): Promise<Check> {
  const whole = resolve(path)
  const stat = statSync(whole, { throwIfNoEntry: false })
  if (!stat) throw new SkerryError('not_found', `there is no ${path}; name a folder, a service or a check.ts`)
  if (!stat.isDirectory()) return (await configOf(whole)) ?? check(await loadServices([whole]))
  const config = configs.map((name) => join(whole, name)).find((file) => existsSync(file))
  const found = config && (await configOf(config))
  if (found) return found
  const files = globSync('**/service.{ts,js,mjs}', { cwd: whole, exclude: isOthers }).sort()
  if (files.length === 0)
    throw new SkerryError('not_found', `no service.ts in ${path} or below; name the module that exports the service`)
  return check(await loadServices(files.map((file) => join(whole, file))))
}

/** What is to be typed behind `skerry check` to check the same again. */
export function wordsFor(path: string, events: string | undefined): string {
  return events === undefined ? path : `${path} --events ${events}`
}

function isOthers(path: string | { name: string }): boolean {
  const name = typeof path === 'string' ? basename(path) : path.name
  return name === 'node_modules' || name === 'dist' || name.startsWith('.')
}

async function configOf(file: string): Promise<Check | undefined> {
  try {
    const module = (await import(pathToFileURL(file).href)) as { readonly default?: unknown }
    return isCheck(module.default) ? module.default : undefined
  } catch (cause) {
    if (cause instanceof SkerryError) throw cause
    throw new SkerryError('invalid_config', `${file} cannot be loaded: ${messageOf(cause)}`, { cause })
  }
}

/** By shape: the module may have been loaded with another copy of the package. */
function isCheck(value: unknown): value is Check {
  if (typeof value !== 'object' || value === null) return false
  const { services, run, replay } = value as Partial<Check>
  return Array.isArray(services) && typeof run === 'function' && typeof replay === 'function'
}
