// Installs the pinned dependencies when they are missing or older than the lock file.
// Runs before every npm script, on whatever Node the machine has (20 or later): plain JavaScript, nothing imported but Node.
import { spawnSync } from 'node:child_process'
import { existsSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const windows = process.platform === 'win32'

// npm writes both files in one go, the hidden one sometimes first: two seconds apart still is the same install.
const SAME_INSTALL_MS = 2000

if (!installed()) install()
if (!existsSync(pinnedNode())) rebuildNode()

function installed() {
  const lock = statSync(join(root, 'package-lock.json'))
  const tree = statSync(join(root, 'node_modules', '.package-lock.json'), { throwIfNoEntry: false })
  return tree !== undefined && tree.mtimeMs >= lock.mtimeMs - SAME_INSTALL_MS
}

function install() {
  process.stderr.write('skerry: installing dependencies (npm ci) ...\n')
  const started = Date.now()
  if (!npm('ci', '--no-audit', '--no-fund'))
    fail('`npm ci` failed (see above)', 'check the network and the registry that npm uses, then run `npm ci` yourself')
  process.stderr.write(`skerry: dependencies installed in ${Math.round((Date.now() - started) / 1000)} s\n`)
}

// The npm package `node` fetches its binary in an install script, which a careful npm configuration may have skipped.
function rebuildNode() {
  process.stderr.write('skerry: the pinned Node binary is missing, running its install script again ...\n')
  npm('rebuild', 'node')
  if (!existsSync(pinnedNode()))
    fail(
      'the pinned Node binary (npm package `node`) is missing: its install script did not run',
      'run `npm rebuild node --ignore-scripts=false`, or delete node_modules and run `npm ci --ignore-scripts=false`',
    )
}

function pinnedNode() {
  return join(root, 'node_modules', 'node', 'bin', windows ? 'node.exe' : 'node')
}

function npm(...args) {
  const done = spawnSync('npm', [...args, '--loglevel=error'], {
    cwd: root,
    stdio: ['ignore', 'ignore', 'inherit'],
    shell: windows,
  })
  return done.status === 0
}

function fail(problem, hint) {
  process.stderr.write(`skerry: ${problem}\n        ${hint}\n`)
  process.exit(1)
}
