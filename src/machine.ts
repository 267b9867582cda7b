import { readFileSync } from 'node:fs'
import { hostname, uptime } from 'node:os'
import { systemClock } from './time.ts'

/**
 * Eight letters that are the same for every process between two boots of this machine, and differ after the next:
 * leases in monotonic time mean nothing across them.
 */
export function bootIdentity(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').replaceAll('-', '').slice(0, 8)
  } catch {
    // Where the kernel gives no name to a boot, its minute does.
    const minute = Math.round((systemClock.wall() / 1000 - uptime()) / 60)
    return `${hostname()
      .replaceAll(/[^a-z0-9]/gi, '')
      .slice(0, 2)}${minute.toString(36)}`
      .padEnd(8, '0')
      .slice(0, 8)
  }
}
