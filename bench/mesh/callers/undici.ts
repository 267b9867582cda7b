/**
 * The bare HTTP client: a pool of connections, JSON out and in, and nothing else. `at` says which server or proxy; with 64
 * `endpoints` there are as many pools, in turns.
 */
import { Pool } from 'undici'
import type { Beside } from '../beside.ts'
import { callInBlocks } from '../block.ts'
import { headers, idleMs } from '../same.ts'
import { path } from '../work.ts'

await callInBlocks(({ inFlight, at, options }) => {
  const ports = (at[options.at as Beside] ?? []).slice(...(options.endpoints === 64 ? [1] : [0, 1]))
  const settings = { connections: inFlight, pipelining: 1, keepAliveTimeout: idleMs, keepAliveMaxTimeout: idleMs }
  const pools = ports.map((port) => new Pool(`http://127.0.0.1:${port}`, settings))
  let turn = 0
  return {
    async call(order) {
      const pool = pools[turn++ % pools.length] as Pool
      const { statusCode, body } = await pool.request({ method: 'POST', path, headers, body: JSON.stringify(order) })
      const answer = await body.json()
      if (statusCode !== 200) throw new Error(`HTTP ${statusCode}`)
      return answer as { n: number }
    },
    close: () => Promise.all(pools.map((pool) => pool.close())),
  }
})
