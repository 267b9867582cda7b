import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { connect } from 'node:tls'
import { makeCertificates } from '../../../../test/servers/certificates.ts'
import { missingProgram } from '../../../../test/servers/programs.ts'
import { systemClock } from '../../../time.ts'
import { defaultLimits } from '../limits.ts'
import { createFront } from './front.ts'

test('whoever does not trust the certificate and goes leaves no connection behind', {
  skip: missingProgram('openssl'),
}, async () => {
  const dir = mkdtempSync(join(tmpdir(), 'skerry-front-'))
  const made = makeCertificates(dir)
  const tls = { cert: readFileSync(made.server.cert), key: readFileSync(made.server.key) }
  const front = createFront((_request, response) => response.end('ahoy'), defaultLimits, systemClock, tls)
  front.server.listen(0, '127.0.0.1')
  await once(front.server, 'listening')
  const { port } = front.server.address() as AddressInfo
  const visit = async (ca: string, protocol: string): Promise<void> => {
    const socket = connect({ port, host: '127.0.0.1', ca: readFileSync(ca), ALPNProtocols: [protocol] })
    socket.resume().on('error', () => {})
    if (ca === made.ca && protocol === 'http/1.1')
      socket.write('GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n')
    await new Promise((resolve) => socket.once('close', resolve))
  }
  for (const protocol of ['http/1.1', 'h2']) await visit(made.otherCa, protocol)
  // It came later, and has gone: so the others' end is known by now.
  await visit(made.ca, 'http/1.1')
  const left = await new Promise((resolve) => front.server.getConnections((_error, count) => resolve(count)))
  assert.equal(left, 0)
  front.retire()
  front.cut()
  rmSync(dir, { recursive: true })
})
