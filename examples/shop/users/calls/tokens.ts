import { createHmac, timingSafeEqual } from 'node:crypto'

/** How long somebody stays logged in, in milliseconds. */
export const lifetimeMs = 24 * 3_600_000

/** Who it is, until when, and a signature over both. */
export function sign(customer: string, until: number, secret: string): string {
  const claims = Buffer.from(JSON.stringify({ customer, until })).toString('base64url')
  return `${claims}.${signature(claims, secret)}`
}

/** The customer, or why not. */
export function read(token: string, now: number, secret: string): { readonly customer: string } | 'forged' | 'expired' {
  const [claims = '', signed = ''] = token.split('.')
  const [expected, given] = [signature(claims, secret), signed].map((text) => Buffer.from(text)) as [Buffer, Buffer]
  if (expected.length !== given.length || !timingSafeEqual(expected, given)) return 'forged'
  const { customer, until } = JSON.parse(Buffer.from(claims, 'base64url').toString()) as {
    customer: string
    until: number
  }
  return until > now ? { customer } : 'expired'
}

const signature = (claims: string, secret: string): string =>
  createHmac('sha256', secret).update(claims).digest('base64url')
