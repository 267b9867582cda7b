import { createRequire, syncBuiltinESMExports } from 'node:module'
import { userSite } from './sites.ts'
import type { Troubles } from './troubles.ts'

/** What decides about a handler although it is neither in the store nor in the event, by where it is found. */
const global = {
  Date: ['now'],
  Math: ['random'],
  performance: ['now'],
  crypto: ['randomUUID', 'getRandomValues'],
} as const
const functions = ['setTimeout', 'setInterval', 'setImmediate', 'fetch'] as const
const modules = {
  'node:crypto': ['randomUUID', 'randomBytes', 'randomInt'],
  'node:fs': ['readFileSync', 'writeFileSync', 'appendFileSync', 'readFile', 'writeFile', 'existsSync', 'statSync'],
  'node:fs/promises': ['readFile', 'writeFile', 'appendFile', 'open', 'stat', 'readdir', 'mkdir', 'rm'],
  'node:timers': ['setTimeout', 'setInterval', 'setImmediate'],
  'node:timers/promises': ['setTimeout', 'setImmediate'],
  'node:net': ['connect', 'createConnection'],
  'node:dns/promises': ['lookup', 'resolve'],
  'node:child_process': ['spawn', 'spawnSync', 'exec', 'execSync'],
  'node:http': ['request', 'get'],
  'node:https': ['request', 'get'],
} as const

type Functions = Record<string, unknown>

/**
 * Names handlers that look at the machine's clock, at its randomness, or at the world outside while they run; they go on
 * as before. Takes effect for the whole process until the result is called.
 */
export function watchAmbient(troubles: Troubles): () => void {
  const undo: (() => void)[] = []
  const wrap = (holder: Functions, name: string, shown: string): void => {
    const original = holder[name]
    if (typeof original !== 'function') return
    holder[name] = function watched(this: unknown, ...values: unknown[]): unknown {
      note(troubles, shown)
      return Reflect.apply(original, this === undefined ? globalThis : this, values)
    }
    undo.push(() => {
      holder[name] = original
    })
  }
  const require = createRequire(import.meta.url)
  for (const [holder, names] of Object.entries(global))
    for (const name of names) wrap(Reflect.get(globalThis, holder) as Functions, name, `${holder}.${name}()`)
  for (const name of functions) wrap(globalThis as unknown as Functions, name, `${name}()`)
  for (const [module, names] of Object.entries(modules))
    for (const name of names) wrap(require(module) as Functions, name, `${name}() of ${module}`)
  undo.push(watchDate(troubles))
  syncBuiltinESMExports()
  return () => {
    for (const back of undo) back()
    syncBuiltinESMExports()
  }
}

/** `new Date()` without a value, and nothing else about dates. */
function watchDate(troubles: Troubles): () => void {
  const Original = globalThis.Date
  globalThis.Date = new Proxy(Original, {
    construct(target, values, self) {
      if (values.length === 0) note(troubles, 'new Date()')
      return Reflect.construct(target, values, self) as object
    },
  })
  return () => {
    globalThis.Date = Original
  }
}

function note(troubles: Troubles, what: string): void {
  const job = troubles.current
  if (!job) return
  const site = userSite(new Error().stack)
  if (site === '') return
  troubles.note(job, { kind: 'ambient', what: `uses ${what}, which no order of events decides about`, site })
}
