/**
 * Preloaded into every test process: after the last test nothing may be left that would keep the process alive, or
 * outlive it. A forgotten timer today is a shutdown that hangs tomorrow.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { after } from 'node:test'
import { isMainThread, type Worker } from 'node:worker_threads'

const graceMs = 1000
const stepMs = 10

// Held from here on, so that a test's mocked timers cannot reach them.
const { setTimeout } = globalThis

if (isTestProcess()) watch()

/** The runner's own process preloads this file too, and so does every worker of a test. */
function isTestProcess(): boolean {
  return isMainThread && process.env.NODE_TEST_CONTEXT?.startsWith('child') === true
}

function watch(): void {
  // Touching them opens their pipes now: what exists before the first test is not the tests' leak.
  void process.stdout
  void process.stderr
  const workers = trackWorkers()
  const before = { handles: count(process.getActiveResourcesInfo()), children: childProcesses() }
  after(async function nothingLeaks() {
    let left: string[] = []
    // At least one step: a worker is announced a tick after it was made.
    for (let waited = 0; waited === 0 || (left.length > 0 && waited < graceMs); waited += stepMs) {
      await new Promise((resolve) => setTimeout(resolve, stepMs))
      left = leaks(before, workers)
    }
    if (left.length > 0) throw new Error(`left alive after the last test: ${left.join(', ')}`)
  })
}

interface Alive {
  readonly handles: ReadonlyMap<string, number>
  readonly children: readonly string[]
}

/** Threads show nowhere among the resources, but each is announced. */
function trackWorkers(): Set<Worker> {
  const alive = new Set<Worker>()
  process.on('worker', (worker) => {
    alive.add(worker)
    worker.once('exit', () => alive.delete(worker))
  })
  return alive
}

function leaks(before: Alive, workers: ReadonlySet<Worker>): string[] {
  const now = count(process.getActiveResourcesInfo())
  const handles = [...now]
    .map(([name, n]) => [name, n - (before.handles.get(name) ?? 0)] as const)
    .filter(([, extra]) => extra > 0)
    .map(([name, extra]) => (extra > 1 ? `${extra} × ${name}` : name))
  const children = childProcesses().filter((child) => !before.children.includes(child))
  const threads = workers.size > 0 ? [`${workers.size} × Worker`] : []
  return [...handles, ...children, ...threads]
}

function count(names: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>()
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1)
  return counts
}

/** Children that were unreferenced do not show as resources; Linux knows them all the same. */
function childProcesses(): string[] {
  if (process.platform !== 'linux') return []
  const found: string[] = []
  for (const thread of readdirSync('/proc/self/task')) {
    for (const pid of read(`/proc/self/task/${thread}/children`).split(' ')) {
      const name = pid && !isZombie(pid) ? read(`/proc/${pid}/cmdline`).replaceAll('\0', ' ').trim() : ''
      if (name) found.push(`process ${pid} (${name.slice(0, 80)})`)
    }
  }
  return found
}

function isZombie(pid: string): boolean {
  return /^State:\s+Z/m.test(read(`/proc/${pid}/status`))
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8').trim()
  } catch {
    return ''
  }
}
