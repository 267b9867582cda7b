import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, test } from 'node:test'
import { isAnswered, listenPrivately } from './sockets.ts'

let dir: string
let servers: Server[]
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'skerry-sockets-'))
  servers = []
})
afterEach(() => {
  for (const server of servers) server.close()
  rmSync(dir, { recursive: true })
})

async function listen(path: string): Promise<Server> {
  const server = createServer((socket) => socket.end())
  servers.push(server)
  await listenPrivately(server, path)
  return server
}

test('a socket has its name once nobody else can open it, and no other name is left', async () => {
  const path = join(dir, 'orders.sock')
  const server = createServer((socket) => socket.end())
  servers.push(server)
  let seen: string[] | undefined
  server.once('listening', () => {
    seen = readdirSync(dir)
  })
  await listenPrivately(server, path)
  assert.equal(seen?.length, 1)
  assert.notEqual(seen?.[0], 'orders.sock')
  assert.deepEqual(readdirSync(dir), ['orders.sock'])
  assert.equal(statSync(path).mode & 0o777, 0o600)
})

test('a name with nobody behind it is free, one with somebody is not, and whoever listens next gets it', async () => {
  const path = join(dir, 'orders.sock')
  assert.equal(await isAnswered(path), false)
  const first = await listen(path)
  assert.equal(await isAnswered(path), true)
  await new Promise((resolve) => first.close(resolve))
  assert.deepEqual([readdirSync(dir), await isAnswered(path)], [['orders.sock'], false])
  await listen(path)
  assert.equal(await isAnswered(path), true)
})

test('a name as long as the system has room for is taken whole', async () => {
  const path = join(dir, 'x'.repeat(107 - dir.length - 1))
  await listen(path)
  assert.equal(await isAnswered(path), true)
})

test('a name that cannot be taken leaves nothing behind', async () => {
  mkdirSync(join(dir, 'taken', 'by'), { recursive: true })
  await assert.rejects(listen(join(dir, 'taken')), { code: 'EISDIR' })
  await assert.rejects(listen(join(dir, 'nowhere', 'orders.sock')), { code: 'EACCES' })
  assert.deepEqual(readdirSync(dir), ['taken'])
})
