import { wilson } from '../../../src/independence/measure/wilson.ts'

const z95 = 1.96

/** So many of so many, with a 95 % interval; `undefined` of none. */
export interface Share {
  readonly hits: number
  readonly of: number
  readonly interval: ReturnType<typeof wilson>
}

export function share(hits: number, of: number): Share {
  return { hits, of, interval: wilson(hits, of, z95) }
}

/** `97 % (93–99)` */
export function percent({ interval }: Share): string {
  if (interval === undefined) return '–'
  const whole = (x: number): string => (100 * x).toFixed(0)
  return `${whole(interval.value)} % (${whole(interval.low)}–${whole(interval.high)})`
}
