import { hash, randomBytes } from 'node:crypto'

/** Randomness is an input: numbers in [0, 1). */
export type Random = () => number

const hex = Array.from({ length: 256 }, (_, n) => n.toString(16).padStart(2, '0'))

function format(b: Uint8Array): string {
  let text = ''
  for (let i = 0; i < 16; i++) {
    if (i === 4 || i === 6 || i === 8 || i === 10) text += '-'
    text += hex[b[i] as number]
  }
  return text
}

// One draw from the kernel serves 256 ids: a call for each would cost more than the id itself.
let pool = Buffer.alloc(0)
let drawn = 0

function randomTen(): Uint8Array {
  if (drawn + 10 > pool.length) {
    pool = randomBytes(2560)
    drawn = 0
  }
  drawn += 10
  return pool.subarray(drawn - 10, drawn)
}

/** UUID version 7 (RFC 9562 §5.7): 48 bits of wall time in milliseconds, then 74 random bits. */
export function uuidv7(wallMs: number, random: () => Uint8Array = randomTen): string {
  const b = new Uint8Array(16)
  let ms = Math.trunc(wallMs)
  for (let i = 5; i >= 0; i--) {
    b[i] = ms % 256
    ms = Math.floor(ms / 256)
  }
  b.set(random(), 6)
  b[6] = 0x70 | ((b[6] as number) & 0x0f)
  b[8] = 0x80 | ((b[8] as number) & 0x3f)
  return format(b)
}

/** 128 random bits as 32 hexadecimal digits: identities of stores, buses, processes and tokens. */
export function randomIdentity(): string {
  return randomBytes(16).toString('hex')
}

/**
 * The same inputs give the same id, for ever: a handler that runs again emits the same events again.
 * UUID version 8 (RFC 9562 §5.8) over SHA-256 of the length-prefixed parts, so that no two lists of parts collide
 * by concatenation.
 */
export function derivedId(...parts: string[]): string {
  const digits = hash('sha256', parts.map((p) => `${p.length}:${p}`).join(''), 'hex')
  const variant = hex[0x80 | (Number.parseInt(digits.slice(16, 18), 16) & 0x3f)] as string
  return `${digits.slice(0, 8)}-${digits.slice(8, 12)}-8${digits.slice(13, 16)}-${variant}${digits.slice(18, 20)}-${digits.slice(20, 32)}`
}

/** A stream of numbers in [0, 1) fixed by its seed (mulberry32, T. Ettinger; period 2^32; not for secrets). */
export function seededRandom(seed: string): Random {
  let state = Number.parseInt(hash('sha256', seed, 'hex').slice(0, 8), 16)
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
}
