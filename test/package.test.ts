import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'

// The package as a stranger meets it: packed, installed without a network or any other package, imported and type-checked.

const root = fileURLToPath(new URL('..', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'skerry-package-'))
const stranger = join(folder, 'stranger')
let packed: string[] = []

before(() => {
  const dist = join(folder, 'dist')
  run(process.execPath, [join(root, 'scripts', 'build.ts'), '--out', dist], root)
  const [tarball] = JSON.parse(run('npm', ['pack', '--json', '--pack-destination', folder], dist))
  packed = tarball.files.map((file: { path: string }) => file.path)
  mkdirSync(stranger)
  writeFileSync(join(stranger, 'package.json'), '{ "name": "stranger", "private": true, "type": "module" }\n')
  run('npm', ['install', '--offline', '--no-audit', '--no-fund', join(folder, tarball.filename)], stranger)
})

after(() => rmSync(folder, { recursive: true, force: true }))

/** The output of a program; its failure shows what it printed. */
function run(program: string, args: string[], cwd: string): string {
  try {
    return execFileSync(program, args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
  } catch (error) {
    const { stdout, stderr } = error as { stdout?: string; stderr?: string }
    assert.fail(`${program} ${args.join(' ')}\n${stdout ?? ''}${stderr ?? ''}\n${error}`)
  }
}

function manifestOf(path: string): {
  exports: Record<string, unknown>
  dependencies?: object
  peerDependencies?: object
} {
  return JSON.parse(readFileSync(join(path, 'package.json'), 'utf8'))
}

describe('the packed package', () => {
  test('holds compiled code, its types and its licence, and nothing of the workshop', () => {
    for (const wanted of ['package.json', 'LICENSE', 'index.js', 'index.d.ts', 'cli/main.js'])
      assert.ok(packed.includes(wanted), `${wanted} is missing`)
    const strange = packed.filter((path) => /\.(test|types)\.|(?<!\.d)\.ts$|node_modules/.test(path))
    assert.deepEqual(strange, [])
  })

  test('names no file of the repository', () => {
    const scripts = packed.filter((path) => /(\.js|\.d\.ts|package\.json)$/.test(path))
    const strange = scripts.filter((path) => {
      const text = readFileSync(join(stranger, 'node_modules/skerry', path), 'utf8')
      return text.includes(root) || /(from|import|URL)[ (]+['"]\.[^'"]*(?<!\.d)\.ts['"]/.test(text)
    })
    assert.deepEqual(strange, [])
  })

  test('an engine whose client library is not installed is refused, naming it', () => {
    const program = `import { start } from 'skerry'
      await start([], { bus: 'nats://127.0.0.1:4222' }).catch((error) => console.log(error.code, error.message))`
    const line = run(process.execPath, ['--input-type=module', '--eval', program], stranger)
    assert.match(line, /^invalid_config .*npm install @nats-io\/transport-node @nats-io\/jetstream$/m)
  })

  test('every entry point can be imported, those of engines with their client libraries beside them', () => {
    const { exports, peerDependencies } = manifestOf(root)
    for (const library of Object.keys(peerDependencies ?? {})) {
      const link = join(stranger, 'node_modules', library)
      mkdirSync(dirname(link), { recursive: true })
      symlinkSync(join(root, 'node_modules', library), link)
    }
    const entries = Object.keys(exports).map((entry) => entry.replace(/^\./, 'skerry'))
    const program = `for (const entry of ${JSON.stringify(entries)}) console.log(entry, Object.keys(await import(entry)).length > 0)`
    const lines = run(process.execPath, ['--input-type=module', '--eval', program], stranger).trim().split('\n')
    assert.deepEqual(
      lines,
      entries.map((entry) => `${entry} true`),
    )
  })

  test('reads rules and patterns of the mesh by the libraries for them', () => {
    const file = join(stranger, 'mesh.yaml')
    const route = '{ match: [{ uri: { regex: /a.* } }], route: [{ destination: { host: greetings } }] }'
    writeFileSync(file, `routes:\n  - hosts: [greetings]\n    http: [${route}]\n    htp: []\n`)
    const program = `import { contract } from 'skerry'
      import { client } from 'skerry/mesh'
      const Greetings = contract('greetings', { events: {}, calls: {} })
      try { client(Greetings, { at: [], rules: ${JSON.stringify(file)} }) } catch (error) { console.log(error.message) }`
    const line = run(process.execPath, ['--input-type=module', '--eval', program], stranger).trim()
    assert.match(line, /mesh\.yaml:4:5: routes\[0\]\.htp unknown field 'htp'; did you mean 'http'\?$/)
  })

  test('gives what a first service needs', () => {
    writeFileSync(
      join(stranger, 'program.mjs'),
      `import { contract, event, service } from 'skerry'
       console.log(typeof contract, typeof event, typeof service)`,
    )
    assert.equal(run(process.execPath, ['program.mjs'], stranger).trim(), 'function function function')
  })

  test('installs the command', () => {
    const output = run(process.execPath, ['node_modules/skerry/cli/main.js', '--help'], stranger)
    assert.match(output, /skerry run/)
    assert.match(readFileSync(join(stranger, 'node_modules/.bin/skerry'), 'utf8'), /^#!\/usr\/bin\/env node\n/)
  })

  test('its types hold for a stranger who checks libraries too', () => {
    writeFileSync(join(stranger, 'consumer.ts'), consumer)
    const options = {
      target: 'es2025',
      module: 'nodenext',
      strict: true,
      noEmit: true,
      skipLibCheck: false,
      types: ['node'],
    }
    const compilerOptions = { ...options, typeRoots: [join(root, 'node_modules/@types')] }
    writeFileSync(join(stranger, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['consumer.ts'] }))
    run(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-p', '.'], stranger)
  })
})

const consumer = `
import { contract, event, service } from 'skerry'

interface Greeting { readonly name: string }

/** A schema that no library made. */
const Greeting = {
  '~standard': {
    version: 1 as const,
    vendor: 'stranger',
    validate: (value: unknown) => ({ value: value as Greeting }),
    jsonSchema: { input: () => ({ type: 'object' }), output: () => ({ type: 'object' }) },
    types: undefined as unknown as { readonly input: Greeting; readonly output: Greeting },
  },
}

export const Greetings = contract('greetings', {
  events: { greeted: event({ data: Greeting, key: (d) => d.name }) },
})

export const greeter = service(Greetings)
const all = greeter.subscribe('all', { from: 'start', order: 'key' })
all.on(Greetings.greeted, async (tx, greeted) => {
  await tx.publish(Greetings.greeted, { name: greeted.data.name.toUpperCase() })
  // @ts-expect-error: the data of the event is a Greeting
  await tx.publish(Greetings.greeted, { nam: 'x' })
})
`
