import { spawnSync } from 'node:child_process'

/**
 * For `test(name, { skip: missingProgram('curl') }, …)`: the line that says how to get a small program which this machine does
 * not have, or false. Where servers are demanded (see `missing`), so are programs.
 */
export function missingProgram(name: 'curl' | 'openssl' | 'haproxy' | 'promtool'): string | false {
  if (!spawnSync(name, ['version'], { stdio: 'ignore' }).error) return false
  const reason = `${name} missing; apt-get install ${name === 'promtool' ? 'prometheus' : name}`
  if (process.env.SKERRY_TEST_SERVERS) throw new Error(reason)
  return reason
}
