/** An instance: it answers in five milliseconds, in two seconds, or at once with 503, as it is told. */
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { nowUs } from '../clock.ts'
import { heard, say } from '../second.ts'

export type Mode = 'good' | 'slow' | 'failing' | 'end'

const takesMs = { good: 5, slow: 2_000, failing: 0 } as const

/** Says its port, and at the end when each request came, in microseconds of `nowUs`. */
export async function runInstance(): Promise<void> {
  const received: number[] = []
  let mode: Exclude<Mode, 'end'> = 'good'
  const server = createServer({ keepAliveTimeout: 120_000 }, (request, response) => {
    received.push(nowUs())
    request.resume()
    const status = mode === 'failing' ? 503 : 200
    setTimeout(() => response.writeHead(status).end(), takesMs[mode])
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  say((server.address() as AddressInfo).port)
  for (let told = await heard<Mode>(); told !== 'end'; told = await heard<Mode>()) mode = told
  say(received)
  // Who ends at once takes with it what has not been sent yet.
  await heard()
  server.close()
  server.closeAllConnections()
}
