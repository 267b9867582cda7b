/**
 * npm test                     everything: types, lint, all tests
 * npm test -- src/bus flow     only the test files whose path contains one of these
 * npm test -- --node=24        the tests alone, on another Node
 */
import { spawnSync } from 'node:child_process'
import { existsSync, globSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { parseArgs, styleText } from 'node:util'
import { nodeBinary } from './node-binary.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const bin = join(root, 'node_modules', '.bin')
const longestFileMs = 20 * 60_000

interface Step {
  readonly name: string
  readonly run: () => boolean
}

/** What failed in a step of tests, told again at the end: thousands of lines may lie between. */
const failures: string[] = []

interface Result {
  readonly name: string
  readonly passed: boolean
  readonly seconds: number
}

const { values, positionals } = parseArgs({ options: { node: { type: 'string' } }, allowPositionals: true })
const node = values.node ? nodeBinary(values.node) : process.execPath
const alone = positionals.length > 0

const results: Result[] = []
for (const step of chooseSteps()) results.push(perform(step))
process.exitCode = summarize(results)

function chooseSteps(): Step[] {
  const tests: Step[] = [
    { name: 'unit tests', run: () => runTests(['src/**/*.test.ts', 'bench/*.test.ts'], 2, (f) => !needsServer(f)) },
    // One file at a time: these start processes of their own, and some measure time.
    {
      name: 'boundaries, documents, examples, crashes, package',
      run: () => runTests(['{test,examples}/**/*.test.ts'], 1, (f) => !needsServer(f)),
    },
  ]
  const engines: Step = {
    name: 'engines on their servers',
    run: () => runTests(['{src,test}/**/*.test.ts'], 2, needsServer),
  }
  if (alone)
    return [
      {
        name: `tests: ${positionals.join(', ')}`,
        run: () => runTests(['{src,bench,scripts,test,examples}/**/*.test.ts'], 1),
      },
    ]
  // What servers do does not depend on our Node: once is enough.
  if (values.node) return tests
  return [
    { name: 'types', run: () => tool('tsc', '-p', '.') },
    { name: 'lint and format', run: () => tool('biome', 'check', '--error-on-warnings', '.') },
    ...tests,
    engines,
    { name: 'what must not type-check', run: () => tool('tsc', '-p', 'test/types') },
  ]
}

function perform({ name, run }: Step): Result {
  const started = performance.now()
  console.log(`\n${styleText('bold', `── ${name}`)}`)
  const passed = run()
  return { name, passed, seconds: (performance.now() - started) / 1000 }
}

function tool(name: string, ...args: string[]): boolean {
  return start(join(bin, name), args)
}

/** Test files that need a server, and are skipped where it is missing: see `test/servers/needs.ts`. */
function needsServer(file: string): boolean {
  return /^src\/[^/]+\/(postgres|postgres-bus|nats|rabbitmq|kafka)\/|^test\/(shop-engines|faults|real-clients)/.test(
    file,
  )
}

function runTests(patterns: string[], atOnce: number, chosen: (file: string) => boolean = () => true): boolean {
  const files = patterns.flatMap(testFiles).filter(chosen)
  const unmatched = alone ? files.length === 0 && positionals : patterns.filter((p) => testFiles(p).length === 0)
  if (unmatched && unmatched.length > 0) {
    console.log(`no test file matches ${unmatched.join(', ')}`)
    return false
  }
  const leaks = pathToFileURL(join(root, 'test', 'leaks.ts')).href
  const folder = mkdtempSync(join(tmpdir(), 'skerry-failures-'))
  const told = join(folder, 'failures')
  const reporters = [
    ['--test-reporter=spec', '--test-reporter-destination=stdout'],
    [`--test-reporter=${pathToFileURL(join(root, 'test', 'failures.ts')).href}`, `--test-reporter-destination=${told}`],
  ].flat()
  const options = ['--import', leaks, '--test-force-exit', `--test-timeout=${longestFileMs}`, ...reporters]
  const passed = start(node, ['--test', ...options, `--test-concurrency=${atOnce}`, ...files])
  if (existsSync(told)) failures.push(readFileSync(told, 'utf8'))
  rmSync(folder, { recursive: true, force: true })
  return passed
}

function testFiles(pattern: string): string[] {
  const files = globSync(pattern, { cwd: root, exclude: ['**/node_modules/**'] }).map((f) => f.replaceAll('\\', '/'))
  const named = (file: string): boolean => positionals.some((part) => file.includes(part.replace(/^\.\//, '')))
  return files.filter((file) => !alone || named(file)).sort()
}

/** Runs a program in the repository, where `node` means the Node under test. */
function start(program: string, args: string[]): boolean {
  const path = [dirname(node), bin, process.env.PATH].join(delimiter)
  const onWindows = process.platform === 'win32' && !existsSync(program)
  const env = { ...process.env, PATH: path }
  const done = spawnSync(program, args, { cwd: root, stdio: 'inherit', env, shell: onWindows })
  if (done.error) console.log(`${program}: ${done.error.message}`)
  return done.status === 0
}

function summarize(done: readonly Result[]): number {
  if (failures.some(Boolean)) console.log(`\n${styleText('bold', '── failures')}\n${failures.join('')}`)
  console.log(`\n${styleText('bold', `── summary (${versionOf(node)})`)}`)
  for (const { name, passed, seconds } of done) {
    const mark = passed ? styleText('green', '✔') : styleText('red', '✖')
    console.log(`${mark} ${name} ${styleText('dim', `${seconds.toFixed(1)} s`)}`)
  }
  return done.every((result) => result.passed) ? 0 : 1
}

function versionOf(binary: string): string {
  return `Node ${spawnSync(binary, ['--version'], { encoding: 'utf8' }).stdout?.trim()}`
}
