import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { RandomRequests } from '../../../test/hostile/requests.ts'
import { seededRandom } from '../../ids.ts'
import { start } from '../../start.ts'
import { systemClock } from '../../time.ts'
import { FrameTransport } from '../frames/transport.ts'
import { Lost, type WireRequest } from '../transport.ts'
import { shop } from './http/fixture.ts'

const count = 10_000
const never = new AbortController().signal

/** What would have been a request of HTTP, however broken, as frames carry it. */
function wired(bytes: Buffer): WireRequest {
  const end = bytes.indexOf('\r\n\r\n')
  const [first = '', ...lines] = bytes
    .subarray(0, end < 0 ? bytes.length : end)
    .toString('latin1')
    .split('\r\n')
  const [method = '', path = ''] = first.split(' ')
  const headers = lines.map((line) => [line.split(':')[0]?.toLowerCase(), line.slice(line.indexOf(':') + 1).trim()])
  return {
    method,
    path,
    headers: Object.fromEntries(headers),
    body: end < 0 ? Buffer.alloc(0) : bytes.subarray(end + 4),
  }
}

test(`${count} random requests by frames are answered by 2xx, or by 4xx with a problem, or end their connection; never by a fault`, async () => {
  const dir = mkdtempSync(join(tmpdir(), 'skerry-hostile-'))
  const faults: string[] = []
  const app = await start([shop()], {
    ...{ dir, frames: '0', concurrency: false, graceMs: 2000 },
    watcher: (fact) => {
      if (fact.kind === 'call' && fact.code !== 'ok') faults.push(`${fact.call} ${fact.code} ${fact.message}`)
    },
  })
  const transport = new FrameTransport({ clock: systemClock })
  const target = { id: 'a', address: app.framesUrl as string }
  const requests = new RandomRequests(seededRandom('frames'))
  const statuses = new Map<number | string, number>()
  let left = count
  const worker = async (): Promise<void> => {
    while (left-- > 0) {
      const request = wired(requests.next())
      const answer = await transport.send(target, request, never).catch((error: unknown) => error)
      const key = answer instanceof Lost ? answer.how : (answer as { status: number }).status
      statuses.set(key, (statuses.get(key) ?? 0) + 1)
      if (answer instanceof Lost) continue
      const { status, headers, body } = answer as Awaited<ReturnType<typeof transport.send>>
      assert.ok(status < 300 || (status >= 400 && status < 500), `${status} ${faults.at(-1)}`)
      if (status >= 400) {
        assert.equal(headers['content-type'], 'application/problem+json')
        assert.equal(JSON.parse(Buffer.from(body).toString()).status, status)
      }
    }
  }
  await Promise.all(Array.from({ length: 8 }, worker))
  for (const status of [200, 400, 403, 404, 405, 415, 422])
    assert.ok(statuses.has(status), `nobody got ${status}: ${[...statuses]}`)
  await transport.close()
  await app.stop()
  rmSync(dir, { recursive: true })
})
