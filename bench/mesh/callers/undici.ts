/** The bare HTTP client: a pool of connections, JSON out and in, and nothing else. `at` says which server or proxy. */
import { Pool } from 'undici'
import type { Beside } from '../beside.ts'
import { callInBlocks } from '../block.ts'
import { headers, idleMs } from '../same.ts'
import { path } from '../work.ts'

await callInBlocks(({ inFlight, at, options }) => {
  const [port] = at[options.at as Beside] ?? []
  const pool = new Pool(`http://127.0.0.1:${port}`, {
    ...{ connections: inFlight, pipelining: 1, keepAliveTimeout: idleMs, keepAliveMaxTimeout: idleMs },
  })
  return {
    async call(order) {
      const { statusCode, body } = await pool.request({ method: 'POST', path, headers, body: JSON.stringify(order) })
      const answer = await body.json()
      if (statusCode !== 200) throw new Error(`HTTP ${statusCode}`)
      return answer as { n: number }
    },
    close: () => pool.close(),
  }
})
