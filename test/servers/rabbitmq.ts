import { execFile } from 'node:child_process'
import { readFileSync, realpathSync, writeFileSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Server, ServerKind } from './kinds.ts'
import { findProgram, freePort, LOOPBACK, launch } from './process.ts'

/** Debian's command on the path insists on its own user; the script beneath it does not. */
const folders = ['/usr/lib/rabbitmq/bin', '/opt/homebrew/opt/rabbitmq/sbin']

const program = findProgram('rabbitmq-server', folders)
const control = findProgram('rabbitmqctl', folders)
const epmd = findProgram('epmd')
const remedy = 'apt-get install rabbitmq-server'

export const rabbitmq: ServerKind = {
  remedy,
  version: () => (program && epmd ? /rabbitmq_server-(\d+\.\d+\.\d+)/.exec(realpathSync(program))?.[1] : undefined),
  // Quorum queues sync before they confirm, whatever the class.
  async start(folder, { port: wanted, settings }) {
    if (program === undefined || epmd === undefined) throw new Error(`rabbitmq-server is missing: ${remedy}`)
    const port = wanted ?? (await freePort())
    const names = await startNames(epmd)
    try {
      const env = await settle(folder, port, names.address.port, settings)
      const readyText = 'Server startup complete'
      const server = await launch({ file: program, args: [], port, env, readyText })
      return together(server, names)
    } catch (cause) {
      await names.kill()
      throw cause
    }
  },
}

/** Runs the server's own tool against a server that was started in this folder. Takes seconds. */
export async function rabbitmqctl(folder: string, ...args: readonly string[]): Promise<string> {
  if (control === undefined) throw new Error(`rabbitmqctl is missing: ${remedy}`)
  const env = JSON.parse(readFileSync(join(folder, 'env.json'), 'utf8')) as Record<string, string>
  const { stdout } = await promisify(execFile)(control, args, { env: { ...process.env, ...env } })
  return stdout
}

/** Erlang's name service: a server that finds none leaves one behind when it ends. */
async function startNames(file: string): Promise<Server> {
  const port = await freePort()
  return launch({ file, args: ['-address', LOOPBACK, '-port', String(port)], port })
}

async function settle(
  folder: string,
  port: number,
  epmdPort: number,
  more: Readonly<Record<string, string>> = {},
): Promise<Record<string, string>> {
  await mkdir(folder, { recursive: true })
  const config = join(folder, 'rabbitmq.conf')
  const plugins = join(folder, 'plugins')
  const settings = { loopback_users: 'none', ...more }
  writeFileSync(
    config,
    Object.entries(settings)
      .map(([name, value]) => `${name} = ${value}\n`)
      .join(''),
  )
  writeFileSync(plugins, '[].\n')
  const env = {
    HOME: folder,
    ERL_EPMD_PORT: String(epmdPort),
    ERL_EPMD_ADDRESS: LOOPBACK,
    RABBITMQ_NODENAME: 'skerry@localhost',
    RABBITMQ_NODE_IP_ADDRESS: LOOPBACK,
    RABBITMQ_NODE_PORT: String(port),
    RABBITMQ_DIST_PORT: String(await freePort()),
    RABBITMQ_CONF_ENV_FILE: '/dev/null',
    RABBITMQ_CONFIG_FILE: config,
    RABBITMQ_ENABLED_PLUGINS_FILE: plugins,
    RABBITMQ_MNESIA_BASE: join(folder, 'mnesia'),
    RABBITMQ_LOG_BASE: join(folder, 'log'),
    RABBITMQ_LOGS: '-',
    // The script becomes the server instead of watching over it: its pid is the server's.
    RUNNING_UNDER_SYSTEMD: 'true',
    RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: '+sbwt none -kernel inet_dist_use_interface {127,0,0,1}',
  }
  writeFileSync(join(folder, 'env.json'), JSON.stringify(env), { mode: 0o600 })
  return env
}

function together(server: Server, names: Server): Server {
  return {
    ...server,
    async stop() {
      await server.stop()
      await names.kill()
    },
    async kill() {
      await server.kill()
      await names.kill()
    },
  }
}
