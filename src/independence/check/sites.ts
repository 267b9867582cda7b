import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'

/** Where our own code is: frames in there are not the user's, but for tests. */
const own = join(import.meta.dirname, '..', '..')
const ofNode = /[ (]node:/
const frame = /\(?((?:file:\/\/)?\/[^()]+?|[A-Za-z]:[\\/][^()]+?):(\d+):\d+\)?$/

/** `orders/service.ts:31` of the first frame that is the user's, relative to the working folder; '' when there is none. */
export function userSite(stack: string | undefined): string {
  for (const line of (stack ?? '').split('\n').slice(1)) {
    const found = ofNode.test(line) ? null : frame.exec(line.trim())
    if (!found) continue
    const file = (found[1] as string).startsWith('file:') ? fileURLToPath(found[1] as string) : (found[1] as string)
    if (isUsers(file)) return `${relative(process.cwd(), file)}:${found[2]}`
  }
  return ''
}

export function isUsers(file: string): boolean {
  if (file.startsWith('node:') || /[\\/]node_modules[\\/]/.test(file)) return false
  return !file.startsWith(own) || /\.test\.[jt]s$|fixture/.test(file)
}

const known = new WeakMap<TemplateStringsArray, string>()

/** The place in the code that a statement's template stands at: found once, since looking at the stack is slow. */
export function siteOf(template: TemplateStringsArray): string {
  const before = known.get(template)
  if (before !== undefined) return before
  const site = userSite(new Error().stack)
  known.set(template, site)
  return site
}
