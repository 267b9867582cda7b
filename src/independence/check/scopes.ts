import { Session } from 'node:inspector'
import { relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { isUsers } from './sites.ts'

type AnyFunction = (...values: never[]) => unknown

/** Variables that a function can reach: those of its module, imported ones included, and of the functions around it. */
export interface Scope {
  /** The module, or the place of a function within it whose variables these are. */
  readonly id: string
  readonly script: Script
  readonly values: Readonly<Record<string, unknown>>
}

/** A module that was loaded. */
export interface Script {
  readonly file: string
  /** Without its types; every line is where it was. */
  readonly source: string
}

interface Remote {
  readonly objectId?: string
  readonly description?: string
  readonly value?: unknown
}

interface Property {
  readonly name: string
  readonly value?: Remote
}

const handed = '__skerry_scope'
const holder = globalThis as unknown as Record<string, unknown>

/** Looks into functions, through the inspector of this thread: what a handler keeps in variables is seen by nothing else. */
export class Scopes {
  readonly #session = new Session()
  readonly #scripts = new Map<string, string>()
  readonly #sources = new Map<string, Script>()
  readonly #sites = new WeakMap<AnyFunction, string>()
  readonly #known = new WeakMap<AnyFunction, { readonly script: Script | undefined }>()

  constructor() {
    this.#session.connect()
    this.#session.on('Debugger.scriptParsed', ({ params }) => void this.#scripts.set(params.scriptId, params.url))
    this.#post('Debugger.enable')
  }

  /** As they are now, innermost first; none for a function that is not the user's. */
  of(fn: AnyFunction): Scope[] {
    const internal = this.#internal(fn)
    const location = internal.get('[[FunctionLocation]]')?.value as { scriptId: string; lineNumber: number } | undefined
    const scopes = internal.get('[[Scopes]]')
    const script = location && this.#script(location.scriptId)
    if (!script || !scopes?.objectId) return []
    const found = this.#post('Runtime.getProperties', { objectId: scopes.objectId, ownProperties: true })
    return (found.result as readonly Property[])
      .filter(({ name, value }) => /^\d+$/.test(name) && !/^(Global|Script)/.test(value?.description ?? ''))
      .map(({ name, value }) => ({
        id: value?.description === 'Module' ? script.file : `${script.file}:${location.lineNumber}:${name}`,
        script,
        values: this.#valuesOf(value as Remote),
      }))
  }

  /** The module that a function was written in, if it is the user's. */
  scriptOf(fn: AnyFunction): Script | undefined {
    const known = this.#known.get(fn)
    if (known) return known.script
    const location = this.#internal(fn).get('[[FunctionLocation]]')?.value as { scriptId: string } | undefined
    const script = location && this.#script(location.scriptId)
    this.#known.set(fn, { script })
    return script
  }

  /** Where a function of the user's stands: `orders/service.ts:12`; '' for another. */
  siteOf(fn: AnyFunction): string {
    const known = this.#sites.get(fn)
    if (known !== undefined) return known
    const location = this.#internal(fn).get('[[FunctionLocation]]')?.value as { lineNumber: number } | undefined
    const script = this.scriptOf(fn)
    const site = script && location ? `${relative(process.cwd(), script.file)}:${location.lineNumber + 1}` : ''
    this.#sites.set(fn, site)
    return site
  }

  /** All modules of the user's. */
  get scripts(): Script[] {
    return [...this.#scripts.keys()].map((id) => this.#script(id)).filter((script) => script !== undefined)
  }

  close(): void {
    this.#session.disconnect()
  }

  #internal(fn: AnyFunction): Map<string, Remote> {
    holder[handed] = fn
    const { result } = this.#post('Runtime.evaluate', { expression: `globalThis.${handed}` })
    delete holder[handed]
    const { objectId } = result as Remote
    const { internalProperties } = this.#post('Runtime.getProperties', { objectId, ownProperties: true })
    return new Map((internalProperties as readonly Property[]).map(({ name, value }) => [name, value ?? {}]))
  }

  /** The values themselves, not copies of them, but for the variables that hold them. */
  #valuesOf({ objectId }: Remote): Readonly<Record<string, unknown>> {
    let values: Readonly<Record<string, unknown>> = {}
    holder[handed] = (given: Readonly<Record<string, unknown>>): void => {
      values = given
    }
    const functionDeclaration = `function () { globalThis.${handed}(this.object) }`
    this.#post('Runtime.callFunctionOn', { objectId, functionDeclaration })
    delete holder[handed]
    return values
  }

  #script(id: string): Script | undefined {
    const known = this.#sources.get(id)
    if (known) return known
    const url = this.#scripts.get(id) ?? ''
    if (!url.startsWith('file:') || !isUsers(fileURLToPath(url))) return undefined
    const { scriptSource } = this.#post('Debugger.getScriptSource', { scriptId: id })
    const script = { file: fileURLToPath(url), source: String(scriptSource) }
    this.#sources.set(id, script)
    return script
  }

  /** A session with one's own thread answers before it returns. */
  #post(method: string, params: object = {}): Record<string, unknown> {
    let answer: Record<string, unknown> = {}
    this.#session.post(method, params, (error: Error | null, result?: object) => {
      if (error) throw error
      answer = result as Record<string, unknown>
    })
    return answer
  }
}
