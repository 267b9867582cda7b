import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { type Violation, violations } from './boundaries/rules.ts'
import { functions, imports, mask } from './boundaries/scan.ts'

const root = fileURLToPath(new URL('..', import.meta.url))

test('src keeps to the layout and its directions', () => {
  const files = readSources()
  assert.ok(files.size > 0, 'src holds no TypeScript file')
  assert.deepEqual(violations(files).map(print), [])
})

function readSources(): Map<string, string> {
  const paths = globSync('src/**/*.ts', { cwd: root }).map((path) => path.replaceAll('\\', '/'))
  return new Map(paths.sort().map((path) => [path, readFileSync(`${root}/${path}`, 'utf8')]))
}

function print(v: Violation): string {
  return `rule ${v.rule}: ${v.file}:${v.line} ${v.problem}`
}

/** What the rules find in one planted file (others beside it where a rule needs two). */
function planted(path: string, source: string, others: Record<string, string> = {}): string[] {
  return violations(new Map([[path, source], ...Object.entries(others)])).map((v) => `${v.rule} ${v.file}`)
}

const long = (lines: number): string => '  step()\n'.repeat(lines)

const forbidden: [sentence: string, path: string, source: string, rule: number][] = [
  ['1: the kernel imports a contract', 'src/event.ts', `import type { Bus } from './bus/bus.ts'`, 1],
  ['1: the kernel re-exports flow', 'src/errors.ts', `export { retry } from './flow/retry.ts'`, 1],
  ['2: a contract imports its engine', 'src/bus/bus.ts', `import { open } from './sqlite/open.ts'`, 2],
  ['2: a contract imports flow', 'src/store/store.ts', `import { lane } from '../flow/lanes.ts'`, 2],
  ['2: a contract imports the other', 'src/mesh/transport.ts', `import type { Bus } from '../bus/bus.ts'`, 2],
  ['2: a service contract imports an implementation', 'src/contract.ts', `import { s } from './service.ts'`, 2],
  ['2: a service contract needs Node', 'src/contract.ts', `import { hash } from 'node:crypto'`, 2],
  ['3: an adapter imports a sibling', 'src/bus/nats.ts', `import { x } from './sqlite/writer.ts'`, 3],
  ['3: a store imports a bus', 'src/store/sqlite/turns.ts', `import { x } from '../../bus/sqlite/socket.ts'`, 3],
  ['3: an adapter imports flow', 'src/bus/sqlite/bus.ts', `const x = await import('../../flow/retry.ts')`, 3],
  ['3: an adapter starts a worker of flow', 'src/bus/sqlite.ts', `new URL('../flow/x.ts', import.meta.url)`, 3],
  ['3: flow imports a client library', 'src/flow/relay.ts', `import { connect } from 'nats'`, 3],
  ['3: the database is a client library', 'src/flow/relay.ts', `import { DatabaseSync } from 'node:sqlite'`, 3],
  ['4: the command line imports an adapter', 'src/cli/run.ts', `import { b } from '../bus/sqlite/bus.ts'`, 4],
  ['3: the command line imports one', 'src/cli/run.ts', `import pg from 'pg'`, 3],
  ['4: flow imports an adapter', 'src/flow/processor.ts', `import { s } from '../store/sqlite/store.ts'`, 4],
  ['4: mesh imports an adapter', 'src/mesh/client.ts', `import { s } from '../bus/nats.ts'`, 4],
  ['4: flow imports mesh', 'src/flow/processor.ts', `import { call } from '../mesh/client.ts'`, 4],
  ['4: mesh imports flow', 'src/mesh/server.ts', `import { publish } from '../flow/publish.ts'`, 4],
  ['4: mesh imports a port of events', 'src/mesh/server.ts', `import type { Store } from '../store/store.ts'`, 4],
  ['4: a decision of mesh imports I/O', 'src/mesh/routing/a.ts', `import { c } from '../client.ts'`, 4],
  ['3: another one knows YAML, too', 'src/mesh/configuration/file.ts', `import { isMap } from 'yaml'`, 3],
  ['4: what checks rules does I/O', 'src/mesh/configuration/rules.ts', `import { readFileSync } from 'node:fs'`, 4],
  ['3: another one knows it, too', 'src/mesh/routing/match.ts', `import { RE2JS } from 're2js'`, 3],
  ['4: a decision of mesh does I/O', 'src/mesh/balancing/a.ts', `import { connect } from 'node:net'`, 4],
  ['2: the port of discovery imports I/O', 'src/mesh/discovery.ts', `import { T } from './transport.ts'`, 2],
  ['3: a discovery imports another', 'src/mesh/discovery/dns.ts', `import { s } from './static.ts'`, 3],
  [
    '3: a discovery imports the frames',
    'src/mesh/discovery/registry/a.ts',
    `import { r } from '../../frames/reader.ts'`,
    3,
  ],
  ['4: a decision of the registry does I/O', 'src/mesh/discovery/registry/state.ts', `import 'node:net'`, 4],
  [
    '4: the mesh imports a server library by its adapter',
    'src/mesh/client.ts',
    `import { o } from './server/http/open.ts'`,
    4,
  ],
  ['3: the mesh imports a server library', 'src/mesh/server/health.ts', `import { fastify } from 'fastify'`, 3],
  ['3: a server imports a sibling', 'src/mesh/server/grpc/open.ts', `import { o } from '../http/open.ts'`, 3],
  [
    '3: a server imports a store',
    'src/mesh/server/http/open.ts',
    `import type { S } from '../../../store/store.ts'`,
    3,
  ],
  ['4: the package root imports an adapter', 'src/index.ts', `export { b } from './bus/sqlite.ts'`, 4],
  ['4: an engine entry imports another', 'src/sqlite.ts', `export { b } from './bus/nats.ts'`, 4],
  ['4: flow imports the command line', 'src/flow/relay.ts', `import { print } from '../cli/print.ts'`, 4],
  ['5: the checker imports a bus', 'src/independence/explore.ts', `import type { Bus } from '../bus/bus.ts'`, 5],
  ['5: the checker imports a loop', 'src/independence/explore.ts', `import { p } from '../flow/processor.ts'`, 5],
  ['5: flow imports the checker', 'src/flow/processor.ts', `import { e } from '../independence/explore.ts'`, 5],
  [
    '5: the checker imports an engine',
    'src/independence/check/world.ts',
    `import { e } from '../../bus/sqlite/open.ts'`,
    5,
  ],
  [
    '5: the measure imports a store',
    'src/independence/measure/a.ts',
    `import { o } from '../../store/sqlite/open.ts'`,
    5,
  ],
  ['6: a barrel file inside', 'src/flow/index.ts', `export { relay } from './relay.ts'`, 6],
  ['6: a star export inside', 'src/flow/all.ts', `export * from './relay.ts'`, 6],
  ['6: Date.now', 'src/flow/relay.ts', 'const at = Date.now()', 6],
  ['6: new Date()', 'src/flow/relay.ts', 'const at = new Date()', 6],
  ['6: new Date without parentheses', 'src/flow/relay.ts', 'const at = +new Date', 6],
  ['6: Math.random', 'src/flow/retry.ts', 'const jitter = Math.random() * 2', 6],
  ['6: Math.random handed on', 'src/flow/retry.ts', 'decide(Math.random)', 6],
  ['6: setTimeout', 'src/flow/relay.ts', 'setTimeout(() => {}, 10)', 6],
  ['6: setTimeout of globalThis', 'src/flow/relay.ts', 'globalThis.setTimeout(() => {}, 10)', 6],
  ['6: timers as promises', 'src/flow/relay.ts', `import { setTimeout as wait } from 'node:timers/promises'`, 6],
  ['6: performance.now', 'src/bus/sqlite.ts', 'const t = performance.now()', 6],
  ['6: randomUUID', 'src/event.ts', `import { randomUUID } from 'node:crypto'`, 6],
  ['6: inside a template', 'src/flow/relay.ts', 'const text = `at ${Date.now()} o’clock`', 6],
  ['7: a file of 401 lines', 'src/flow/relay.ts', 'step()\n'.repeat(401), 7],
  ['7: a function of 61 lines', 'src/flow/relay.ts', `function f(): Promise<{ a: 1 }> {\n${long(59)}}`, 7],
  ['7: a method of 61 lines', 'src/flow/relay.ts', `class A {\n  async m(a: { b: 1 }) {\n${long(59)}  }\n}`, 7],
  ['7: an arrow of 61 lines', 'src/flow/relay.ts', `const f = async (a: number) => {\n${long(59)}}`, 7],
  ['7: a test of a suite', 'src/flow/conformance/a.ts', `function s() {\n  test('x', () => {\n${long(59)}})\n}`, 7],
]

describe('a planted violation is found, by its rule', () => {
  for (const [sentence, path, source, rule] of forbidden)
    test(sentence, () => assert.deepEqual(planted(path, source), [`${rule} ${path}`]))

  test('6: a cycle, through type imports as well', () => {
    const others = { 'src/flow/b.ts': `import { c } from './c.ts'`, 'src/flow/c.ts': `export { a } from './a.ts'` }
    assert.deepEqual(planted('src/flow/a.ts', `import type { B } from './b.ts'`, others), ['6 src/flow/c.ts'])
  })
})

const allowed: [sentence: string, path: string, source: string][] = [
  ['the kernel imports the kernel', 'src/event.ts', `import { SkerryError } from './errors.ts'`],
  ['a service contract imports its schemas', 'src/contract.ts', `import { validate } from './schema.ts'`],
  ['an adapter imports its contract', 'src/bus/sqlite/bus.ts', `import type { Bus } from '../bus.ts'`],
  ['an adapter imports what its contract shares', 'src/store/sqlite.ts', `import { t } from './bookkeeping.ts'`],
  ['an adapter imports its own files', 'src/bus/sqlite/bus.ts', `import { w } from './writer.ts'`],
  ['an adapter imports a client library', 'src/bus/nats.ts', `import { connect } from 'nats'`],
  ['an adapter imports the database', 'src/store/sqlite/open.ts', `import { DatabaseSync } from 'node:sqlite'`],
  ['a server imports contracts', 'src/mesh/server/http/routes.ts', `import { info } from '../../../contract.ts'`],
  ['a server imports its library', 'src/mesh/server/http/open.ts', `import { fastify } from 'fastify'`],
  [
    'both ends of gRPC read a .proto alike',
    'src/mesh/server/grpc/open.ts',
    `import { d } from '../../grpc/definitions.ts'`,
  ],
  ['a transport imports its library', 'src/mesh/grpc/transport.ts', `import { Channel } from '@grpc/grpc-js'`],
  ['flow imports contracts', 'src/flow/relay.ts', `import type { Bus } from '../bus/bus.ts'`],
  ['mesh knows what services say', 'src/mesh/client.ts', `import { contract } from '../contract.ts'`],
  ['mesh helps who mistyped', 'src/mesh/routing/a.ts', `import { nearest } from '../../nearest.ts'`],
  ['the client knows decisions', 'src/mesh/client.ts', `import { leastRequest } from './balancing/least-request.ts'`],
  ['one file knows the library of YAML', 'src/mesh/configuration/yaml.ts', `import { isMap } from 'yaml'`],
  ['one file knows the library of patterns', 'src/mesh/routing/re2.ts', `import { RE2JS } from 're2js'`],
  ['one file chooses adapters', 'src/engines.ts', `import { b } from './bus/sqlite/bus.ts'`],
  ['an engine entry shows its adapters', 'src/sqlite.ts', `export { b } from './bus/sqlite/bus.ts'`],
  ['the checker knows pure decisions', 'src/independence/explore.ts', `import { r } from '../flow/retry.ts'`],
  ['the checker runs handlers', 'src/independence/check/world.ts', `import { a } from '../../flow/context.ts'`],
  [
    'the checker has a store that tells',
    'src/independence/check/world.ts',
    `import { o } from '../../store/sqlite/observed/database.ts'`,
  ],
  [
    'the entry point of the checker shows it',
    'src/independence.ts',
    `export { c } from './independence/check/check.ts'`,
  ],
  ['flow counts for the checker', 'src/flow/relay.ts', `import { c } from '../independence/measure/counters.ts'`],
  ['the root gathers', 'src/index.ts', `export * from './contract.ts'`],
  ['time.ts reads the clock', 'src/time.ts', 'const t = Date.now()'],
  ['tests read the clock', 'src/flow/relay.test.ts', 'const t = Date.now()'],
  ['a date from a number', 'src/event.ts', 'const t = new Date(ms).toISOString()'],
  ['a timer of an injected clock', 'src/flow/relay.ts', 'clock.setTimeout(run, 10)'],
  [
    'ambient names in comments and text',
    'src/flow/relay.ts',
    `// Date.now()\nconst s = 'Math.random()' + /setTimeout/.source`,
  ],
  ['a function of 60 lines', 'src/flow/relay.ts', `function f() {\n${long(58)}}`],
  ['a long block that is no function', 'src/flow/relay.ts', `class A {\n${'  x = 1\n'.repeat(80)}}`],
  [
    'a suite that lists many tests',
    'src/flow/conformance/a.ts',
    `function s() {\n${`  test('x', () => {\n  })\n`.repeat(40)}}`,
  ],
]

describe('what the layout allows is left alone', () => {
  for (const [sentence, path, source] of allowed) test(sentence, () => assert.deepEqual(planted(path, source), []))

  test('a worker started by URL closes no cycle', () => {
    const others = { 'src/bus/sqlite/worker.ts': `import { a } from './bus.ts'` }
    assert.deepEqual(planted('src/bus/sqlite/bus.ts', `new URL('./worker.ts', import.meta.url)`, others), [])
  })
})

describe('the scanner', () => {
  test('blanks comments, text and regular expressions, and keeps every place', () => {
    const source = 'a /* b */ = "c" + `d ${e + `f`} g` / 2 // h\nreturn /[/"]{/.test(i)'
    const expected = 'a         = " " + `  ${e + ` `}  ` / 2     \nreturn /     /.test(i)'
    assert.equal(mask(source), expected)
  })

  test('finds every form of import', () => {
    const source = [
      `import a, { type b } from './1.ts'`,
      `import './2.ts'`,
      `import type {\n  c,\n} from './3.ts'`,
      `export { d } from './4.ts'`,
      `export * as e from './5.ts'`,
      `await import('./6.ts')`,
      `new URL('./7.ts', import.meta.url)`,
      `// import './no.ts'`,
      `const no = "import './no.ts'" + new URL('./no.ts', base)`,
    ].join('\n')
    const found = imports(source).map((i) => i.specifier)
    assert.deepEqual(found, ['./1.ts', './2.ts', './3.ts', './4.ts', './5.ts', './6.ts', './7.ts'])
  })

  test('finds functions, and only functions', () => {
    const source = `
      export async function one<T>(a: T, b = { c: 1 }): Promise<Map<string, T[]>> { if (a) { b } }
      const two = (x: number): void => { for (const y of z) { y } }
      class K extends Base { get three() { return 1 } static async *four(): AsyncGenerator<{ a: 1 }> { while (1) {} } }
      const o = { five() {}, six: 1 }; try { o } catch (e) { e }
      switch (o) { case 1: { break } }`
    assert.deepEqual(
      functions(source)
        .map((f) => f.name)
        .sort(),
      ['five', 'four', 'one', 'three', 'two'],
    )
  })
})
