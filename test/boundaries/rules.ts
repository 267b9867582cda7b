/**
 * The direction rules of the layout, as one pure function over path → source. Paths are relative to the repository and
 * use forward slashes: `src/flow/retry.ts`.
 */
import { posix } from 'node:path'
import { functions, type Import, imports, lineOf, mask } from './scan.ts'

export interface Violation {
  /** 1–6 are the rules of ARCHITECTURE.md's layout; 7 is about sizes. */
  readonly rule: 1 | 2 | 3 | 4 | 5 | 6 | 7
  readonly file: string
  readonly line: number
  readonly problem: string
}

/** Words, shapes and inputs that everything else is made of. They may import one another. */
const kernel = /^src\/(event|errors|time|telemetry|ids|frame|keys|tls|sockets)\.ts$/
const ports = /^src\/(bus\/bus|store\/store|mesh\/transport)\.ts$/
/** What services say of themselves. Importing it imports no implementation, and works in a browser. */
const contracts = /^src\/(contract|call|schema)\.ts$/
const engines = 'sqlite|nats|rabbitmq|kafka|postgres|memory'
const adapter = new RegExp(`^src/(?:(bus|store)/(${engines})|(mesh/server)/(http|grpc))(?:\\.ts$|/)`)
/** The one file that turns URLs into adapters, for the command line and for `start`. */
const chooser = 'src/engines.ts'
/** The public entry point of an engine: `skerry/sqlite`. */
const engineEntry = new RegExp(`^src/(${engines})\\.ts$`)
/** What decides about calls, and does no I/O. */
const meshDecisions =
  /^src\/mesh\/((balancing|routing|resilience)\/|configuration\/(policy|rules)\.ts$|(endpoint|request|latency)\.ts$)/
/** What mesh may know beside the kernel and itself: what services say of themselves, and how to help who mistyped. */
const meshKnows = /^src\/(contract|call|schema|nearest)\.ts$/
/** The port of discovery, which tells of endpoints, and its adapters. */
const discoveryPort = 'src/mesh/discovery.ts'
const discoveryAdapter = /^src\/mesh\/discovery\/(static|dns|registry)(?:\.ts$|\/)/
/** Of them, what decides about the registry, and does no I/O. */
const registryDecisions = /^src\/mesh\/discovery\/registry\/(state|merge|messages|pauses|adding-up)\.ts$/
/** Where a library comes in that is no client: one on a handler's transaction, regular expressions, files of rules. */
const bridge = /^src\/(kysely|mesh\/routing\/re2|mesh\/configuration\/yaml)\.ts$/
/** The transports of calls that speak by a client library. */
const transport = /^src\/mesh\/(http|grpc)\//
/** What both ends of gRPC make of a `.proto`. */
const grpcDefinitions = 'src/mesh/grpc/definitions.ts'
const commandLine = /^src\/cli\//
const independence = /^src\/independence\//
/** What counts while services run, and judges what was counted. */
const independenceMeasure = /^src\/independence\/measure\//
/** What the checker may know of flow: decisions without I/O. */
const pureFlow = /^src\/flow\/(retry|lanes|order|circuit)\.ts$/
/** The part of it that runs handlers, on a store in memory that tells what they touch. */
const checker = /^src\/independence\/check\//
/** What it needs for that: what services and contracts say, what a handler holds, how recorded events read, and that store. */
const checked =
  /^src\/((contract|call|schema|service|memories|nearest|cloudevents)\.ts$|flow\/(handler|context|received|compose|callee-errors|call-names|carried)\.ts$|store\/sqlite\/observed\/)/
/** The public entry point of the checker. */
const checkerEntry = 'src/independence.ts'
const conformance = /(^|\/)conformance(\/|\.ts$)/
const test = /(\.(test|types)|\/fixture)\.ts$/

const maxFileLines = 400
const maxFunctionLines = 60

interface Module {
  readonly path: string
  readonly source: string
  readonly masked: string
  readonly imports: readonly (Import & { readonly target: string })[]
}

export function violations(files: ReadonlyMap<string, string>): Violation[] {
  const modules = [...files].filter(([path]) => !test.test(path)).map(([path, source]) => read(path, source))
  return [...modules.flatMap(checkModule), ...cycles(modules)].sort(
    (a, b) => a.rule - b.rule || a.file.localeCompare(b.file) || a.line - b.line,
  )
}

function read(path: string, source: string): Module {
  const masked = mask(source)
  const found = imports(source, masked).map((i) => ({ ...i, target: resolve(path, i.specifier) }))
  return { path, source, masked, imports: found }
}

function resolve(from: string, specifier: string): string {
  return specifier.startsWith('.') ? posix.join(posix.dirname(from), specifier) : specifier
}

function checkModule(module: Module): Violation[] {
  const directions = module.imports.flatMap((i) => {
    const broken = ours(i.target) ? direction(module.path, i.target) : foreign(module.path, i.target)
    return broken ? [{ ...broken, file: module.path, line: i.line }] : []
  })
  return [...directions, ...barrels(module), ...ambient(module), ...sizes(module)]
}

function ours(target: string): boolean {
  return target.startsWith('src/')
}

type Broken = Pick<Violation, 'rule' | 'problem'>

/** Rules 1 to 5 on an import of ours. The first rule that it breaks names it. */
function direction(from: string, to: string): Broken | undefined {
  if (kernel.test(from)) return kernel.test(to) ? undefined : { rule: 1, problem: `the kernel imports ${to}` }
  if (ports.test(from)) return kernel.test(to) ? undefined : { rule: 2, problem: `a contract imports ${to}` }
  if (contracts.test(from) && !contracts.test(to) && !kernel.test(to))
    return { rule: 2, problem: `a service's contract would bring ${to} along` }
  if (adapter.test(from)) return adapterDirection(from, to)
  if (independence.test(from)) return independenceDirection(from, to)
  if (adapter.test(to) && from !== chooser && !isEntryOf(from, to))
    return { rule: 4, problem: `imports the adapter ${to}: ${chooser} alone chooses adapters` }
  if (inFolder(from, 'flow') && inFolder(to, 'mesh')) return { rule: 4, problem: `flow imports mesh: ${to}` }
  if (inFolder(from, 'mesh')) return meshDirection(from, to)
  if (commandLine.test(to) && !commandLine.test(from)) return { rule: 4, problem: `imports the command line: ${to}` }
  if (independence.test(to) && !independenceMeasure.test(to) && !commandLine.test(from) && from !== checkerEntry)
    return { rule: 5, problem: `production code imports the checker: ${to}` }
  return undefined
}

function meshDirection(from: string, to: string): Broken | undefined {
  if (from === discoveryPort && !kernel.test(to) && to !== 'src/mesh/endpoint.ts')
    return { rule: 2, problem: `the port of discovery imports ${to}` }
  const adapting = discoveryAdapter.exec(from)?.[1]
  if (adapting !== undefined && !discoveryKnows(adapting, to) && !kernel.test(to) && !meshKnows.test(to))
    return { rule: 3, problem: `an adapter of discovery imports ${to}` }
  const pure = meshDecisions.test(from)
  const own = pure ? meshDecisions.test(to) : inFolder(to, 'mesh')
  if (own || kernel.test(to) || meshKnows.test(to)) return undefined
  return { rule: 4, problem: `${pure ? 'a decision of mesh' : 'mesh'} imports ${to}` }
}

/** Its port, itself, and what adapters share. */
function discoveryKnows(adapting: string, to: string): boolean {
  if (to === discoveryPort || to === 'src/mesh/endpoint.ts' || to === 'src/mesh/discovery/watching.ts') return true
  return discoveryAdapter.exec(to)?.[1] === adapting
}

function adapterDirection(from: string, to: string): Broken | undefined {
  const [port, engine] = partsOf(from)
  const [targetPort, targetEngine] = partsOf(to)
  const own = targetEngine
    ? targetPort === port && targetEngine === engine
    : to.startsWith(`src/${port}/`) && !conformance.test(to)
  if (own || kernel.test(to)) return undefined
  if (from.startsWith('src/mesh/server/grpc/') && to === grpcDefinitions) return undefined
  // Servers of calls know what a call is.
  if (port?.startsWith('mesh/') && contracts.test(to)) return undefined
  return { rule: 3, problem: `an adapter of ${port} imports ${to}, which is neither its contract nor the kernel` }
}

/** Of an adapter: its port, and its engine. */
const partsOf = (path: string): (string | undefined)[] =>
  (adapter.exec(path) ?? []).slice(1).filter((part) => part !== undefined)

function independenceDirection(from: string, to: string): Broken | undefined {
  if (checker.test(from) && checked.test(to)) return undefined
  if (independence.test(to) || kernel.test(to) || to === 'src/store/store.ts' || pureFlow.test(to)) return undefined
  return { rule: 5, problem: `the checker imports ${to}: it may know the store contract, the kernel, pure decisions` }
}

/** Rule 3 on everything that is not ours: Node's modules are free, but for the database, which is a client library. */
function foreign(from: string, target: string): Broken | undefined {
  if (contracts.test(from)) return { rule: 2, problem: `imports ${target}: a contract works in a browser too` }
  if ((meshDecisions.test(from) || registryDecisions.test(from)) && target.startsWith('node:'))
    return { rule: 4, problem: `imports ${target}: decisions of mesh do no I/O` }
  const free = target.startsWith('node:') && target !== 'node:sqlite'
  if (free || adapter.test(from) || bridge.test(from) || transport.test(from)) return undefined
  if (target.startsWith('.')) return { rule: 3, problem: `imports ${target}, which is outside src` }
  if (/^[a-z]+:/.test(target) && target !== 'node:sqlite') return undefined
  return { rule: 3, problem: `imports the client library ${target}: only adapters may` }
}

function isEntryOf(from: string, to: string): boolean {
  const [, engine] = engineEntry.exec(from) ?? []
  return engine !== undefined && engine === partsOf(to)[1]
}

function inFolder(path: string, folder: string): boolean {
  return path.startsWith(`src/${folder}/`)
}

/** Rule 6: whoever reads an import must see where the thing lives. Only the package's entry points gather. */
function barrels(module: Module): Violation[] {
  const atRoot = posix.dirname(module.path) === 'src'
  if (atRoot) return []
  const all = module.imports.filter((i) => i.kind === 'export' && /export\s*(type\s*)?\*/.test(lineAt(module, i.line)))
  const found: Violation[] = all.map((i) => ({ rule: 6, file: module.path, line: i.line, problem: 'a barrel inside' }))
  if (posix.basename(module.path) === 'index.ts')
    found.push({ rule: 6, file: module.path, line: 1, problem: 'index.ts belongs at the root of src only' })
  return found
}

function lineAt(module: Module, line: number): string {
  return module.source.split('\n')[line - 1] ?? ''
}

const ambientNames: readonly RegExp[] = [
  /\bDate\s*\.\s*now\b/g,
  /\bnew\s+Date\s*(?:\(\s*\)|(?!\s*\()(?![\w$]))/g,
  /(?<![.\w$]|\bnew\s+)Date\s*\(\s*\)/g,
  /\bMath\s*\.\s*random\b/g,
  /\bperformance\s*\.\s*(?:now|timeOrigin)\b/g,
  /\bhrtime\b/g,
  /\b(?:randomUUID|randomBytes|randomInt|randomFillSync|getRandomValues)\b/g,
  /(?:(?<![.\w$])|\bglobalThis\.)(?:setTimeout|setInterval)\b(?!\s*\??\s*:)/g,
]

/** Where time, ids and randomness enter; everyone else is given them. */
const sources = /^src\/(time|ids)\.ts$/

/** Rule 6: the clock, ids and randomness are inputs. */
function ambient(module: Module): Violation[] {
  if (sources.test(module.path) || commandLine.test(module.path)) return []
  const used = ambientNames.flatMap((name) =>
    [...module.masked.matchAll(name)].map((m) => ({ line: lineOf(module.masked, m.index), text: m[0] })),
  )
  const timers = module.imports
    .filter((i) => /^(node:)?timers(\/promises)?$/.test(i.target))
    .map((i) => ({ line: i.line, text: i.target }))
  const byLine = new Map([...used, ...timers].map((u) => [u.line, u.text]))
  return [...byLine].map(([line, text]) => ({
    rule: 6,
    file: module.path,
    line,
    problem: `takes ${text.trim()} from its surroundings: the clock, ids and randomness are inputs`,
  }))
}

/** Rule 6: each module can be understood after those that it imports. Workers are started by URL and close no cycle. */
function cycles(modules: readonly Module[]): Violation[] {
  const byPath = new Map(modules.map((m) => [m.path, m]))
  const state = new Map<string, 'open' | 'done'>()
  const found: Violation[] = []
  const path: string[] = []
  for (const module of modules) visit(module)
  return found

  function visit(module: Module): void {
    if (state.get(module.path) === 'done') return
    state.set(module.path, 'open')
    path.push(module.path)
    for (const i of module.imports) {
      const next = i.kind === 'asset' ? undefined : byPath.get(i.target)
      if (next && state.get(next.path) === 'open') report(module, next, i.line)
      else if (next) visit(next)
    }
    path.pop()
    state.set(module.path, 'done')
  }

  function report(module: Module, next: Module, line: number): void {
    const ring = [...path.slice(path.indexOf(next.path)), next.path]
    found.push({ rule: 6, file: module.path, line, problem: `a cycle: ${ring.join(' → ')}` })
  }
}

/** Sizes to feel at home in. A conformance suite is a list of tests: there each test counts, not the list. */
function sizes(module: Module): Violation[] {
  const found: Violation[] = []
  const lines = module.source.replace(/\n$/, '').split('\n').length
  const file = module.path
  if (lines > maxFileLines) found.push({ rule: 7, file, line: 1, problem: `${lines} lines, at most ${maxFileLines}` })
  const all = functions(module.source, module.masked)
  for (const f of all) {
    const isList = conformance.test(file) && all.some((inner) => inner.from > f.from && inner.to < f.to)
    if (f.lines > maxFunctionLines && !isList)
      found.push({
        rule: 7,
        file,
        line: f.line,
        problem: `${f.name} has ${f.lines} lines, at most ${maxFunctionLines}`,
      })
  }
  return found
}
