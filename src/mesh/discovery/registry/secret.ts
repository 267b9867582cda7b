import { createHmac, timingSafeEqual } from 'node:crypto'
import { SkerryError } from '../../../errors.ts'
import { protocol } from './messages.ts'

/** Fewest bytes of a secret: whoever hears a proof must not be able to guess. */
const leastBytes = 16

/** Throws `invalid_config` for a secret that could be guessed. */
export function checkSecret(secret: string): void {
  if (Buffer.byteLength(secret) >= leastBytes) return
  throw new SkerryError('invalid_config', `the registry's secret has fewer than ${leastBytes} bytes; give a longer one`)
}

/** Both challenges, so that no proof is of use a second time, or for the other role. */
export interface Challenges {
  readonly registry: string
  readonly client: string
}

/** Proves to the other side that one knows the secret, without saying it. */
export function proofOf(secret: string, role: 'client' | 'registry', { registry, client }: Challenges): string {
  const transcript = JSON.stringify([protocol, role, registry, client])
  return createHmac('sha256', secret).update(transcript).digest('hex')
}

/** How long it takes says nothing about where two proofs differ. */
export function proves(mac: string, secret: string, role: 'client' | 'registry', challenges: Challenges): boolean {
  const expected = Buffer.from(proofOf(secret, role, challenges))
  const given = Buffer.from(mac)
  return given.length === expected.length && timingSafeEqual(given, expected)
}
