/** nginx and HAProxy before the HTTP server: one worker, connections to both sides kept, nothing logged. */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Server } from '../../test/servers/kinds.ts'
import { findProgram, freePort, LOOPBACK, launch } from '../../test/servers/process.ts'
import { pinned } from './cores.ts'

export type Proxy = 'nginx' | 'haproxy'

export function missingProxy(name: Proxy): string | undefined {
  return findProgram(name) === undefined ? `${name} missing: apt-get install ${name}` : undefined
}

/** Before the server at a port; on one core, if one is named. */
export async function startProxy(
  name: Proxy,
  folder: string,
  upstream: number,
  core: number | undefined,
): Promise<Server> {
  const program = findProgram(name)
  if (program === undefined) throw new Error(missingProxy(name))
  await mkdir(folder, { recursive: true })
  const port = await freePort()
  const config = join(folder, `${name}.conf`)
  await writeFile(config, name === 'nginx' ? nginx(folder, port, upstream) : haproxy(port, upstream))
  const args = name === 'nginx' ? ['-p', folder, '-e', 'stderr', '-c', config] : ['-f', config]
  const [file, ...rest] = pinned(core, [program, ...args])
  const stopSignal = name === 'nginx' ? 'SIGTERM' : 'SIGUSR1'
  return launch({ file: file as string, args: rest, port, stopSignal })
}

/**
 * As http://nginx.org/en/docs/http/ngx_http_upstream_module.html#keepalive shows it. A connection may serve so many requests
 * that none is closed while it is measured.
 */
function nginx(folder: string, port: number, upstream: number): string {
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
  return `
daemon off;
worker_processes 1;
${process.getuid?.() === 0 ? 'user root;' : ''}
pid ${join(folder, 'nginx.pid')};
error_log stderr crit;
events { worker_connections 4096; }
http {
  access_log off;
  ${temporary.map((name) => `${name}_temp_path ${join(folder, name)};`).join('\n  ')}
  tcp_nodelay on;
  keepalive_timeout 60s;
  keepalive_requests 100000000;
  upstream service {
    server ${LOOPBACK}:${upstream};
    keepalive 256;
    keepalive_timeout 60s;
    keepalive_requests 100000000;
  }
  server {
    listen ${LOOPBACK}:${port};
    location / {
      proxy_pass http://service;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
    }
  }
}
`
}

/** Keep-alive on both sides is its default mode; connections to servers are shared, as its manual advises for such servers. */
function haproxy(port: number, upstream: number): string {
  return `
global
  maxconn 4096
  nbthread 1
defaults
  mode http
  timeout connect 5s
  timeout client 60s
  timeout server 60s
  timeout http-keep-alive 60s
  option http-keep-alive
  http-reuse always
  no log
frontend callers
  bind ${LOOPBACK}:${port}
  default_backend service
backend service
  server one ${LOOPBACK}:${upstream} pool-max-conn 256
`
}
