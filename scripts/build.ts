/**
 * npm run build: makes `dist/`, the folder that is published. It is a package of its own: compiled JavaScript, type
 * declarations, other files of src as they are, and a package.json whose paths lead there.
 */
import { spawnSync } from 'node:child_process'
import { chmodSync, cpSync, existsSync, globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

const root = fileURLToPath(new URL('..', import.meta.url))

interface Manifest {
  readonly exports: Readonly<Record<string, string>>
  readonly bin: Readonly<Record<string, string>>
  readonly [field: string]: unknown
}

/** What only the repository needs. */
const unpublished = ['private', 'scripts', 'devDependencies', 'allowScripts']

const { values } = parseArgs({ options: { out: { type: 'string', default: join(root, 'dist') } } })
build(values.out)

function build(out: string): void {
  rmSync(out, { recursive: true, force: true })
  compile(out)
  rewriteRest(out)
  copyAssets(out)
  writeManifest(out)
  for (const file of ['README.md', 'CHANGELOG.md', 'LICENSE'])
    if (existsSync(join(root, file))) cpSync(join(root, file), join(out, file))
}

function compile(out: string): void {
  const tsc = join(root, 'node_modules', '.bin', 'tsc')
  const args = ['-p', 'tsconfig.build.json', '--outDir', out]
  const done = spawnSync(tsc, args, { cwd: root, stdio: 'inherit', shell: process.platform === 'win32' })
  if (done.status !== 0) throw new Error('the build failed: see the messages of the compiler above')
}

/**
 * The compiler leaves `.ts` where it is no import of the code: in declarations, and in the URLs that workers start from.
 * The new extension is as long as the old one, so that source maps stay true.
 */
function rewriteRest(out: string): void {
  const named = /((?:from|import) ?\(?|new URL\()(['"])(\.{1,2}\/[^'"]+)\.ts\2/g
  for (const file of globSync('**/*.{js,d.ts}', { cwd: out }).map((name) => join(out, name)))
    writeFileSync(file, readFileSync(file, 'utf8').replace(named, '$1$2$3.js$2'))
}

/** Whatever in src is not TypeScript, such as a page or a statement in SQL, is published as it is. */
function copyAssets(out: string): void {
  for (const entry of globSync('src/**/*', { cwd: root, withFileTypes: true })) {
    const from = join(entry.parentPath, entry.name)
    if (!entry.isFile() || entry.name.endsWith('.ts')) continue
    const to = join(out, from.slice(join(root, 'src').length))
    mkdirSync(dirname(to), { recursive: true })
    cpSync(from, to)
  }
}

function writeManifest(out: string): void {
  const source = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as Manifest
  const kept = Object.entries(source).filter(([field]) => !unpublished.includes(field))
  const exports = mapValues(source.exports, (path) => ({
    types: compiled(path, '.d.ts'),
    default: compiled(path, '.js'),
  }))
  const bin = mapValues(source.bin, (path) => compiled(path, '.js'))
  for (const path of [...Object.values(exports).flatMap((e) => Object.values(e)), ...Object.values(bin)])
    if (!existsSync(join(out, path))) throw new Error(`package.json names ${path}, which src does not give`)
  for (const path of Object.values(bin)) chmodSync(join(out, path), 0o755)
  const manifest = { ...Object.fromEntries(kept), exports: { ...exports, './package.json': './package.json' }, bin }
  writeFileSync(join(out, 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`)
}

/** `./src/cli/main.ts` becomes `./cli/main.js`. */
function compiled(path: string, extension: string): string {
  return path.replace(/^\.\/src\//, './').replace(/\.ts$/, extension)
}

function mapValues<A, B>(record: Readonly<Record<string, A>>, change: (value: A) => B): Record<string, B> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, change(value)]))
}
