import { SkerryError } from '../errors.ts'

/** Throws `invalid_config` naming the option, for whoever called `opener`. */
export type Check = (name: string, value: number) => number

/** For an option that must be above 0. */
export function above0(opener: string): Check {
  return (name, value) => {
    if (value > 0) return value
    throw new SkerryError('invalid_config', `${opener}: ${name} must be above 0, not ${value}`)
  }
}

/** For an option with a range. */
export function within(opener: string, least: number, most: number): Check {
  return (name, value) => {
    if (value >= least && value <= most) return value
    throw new SkerryError('invalid_config', `${opener}: ${name} must be from ${least} to ${most}, not ${value}`)
  }
}

/** What a log may lose, and by how much at a time. */
export interface Keeping {
  readonly retention?: { readonly ageMs?: number; readonly bytes?: number }
  readonly segmentBytes?: number
}

/** Checked, with the defaults that all engines with a log have: nothing is dropped, and then 16 MiB at a time. */
export function keepingOf({ retention, segmentBytes }: Keeping, check: Check) {
  return {
    ageMs: check('retention.ageMs', retention?.ageMs ?? Number.POSITIVE_INFINITY),
    bytes: check('retention.bytes', retention?.bytes ?? Number.POSITIVE_INFINITY),
    segmentBytes: check('segmentBytes', segmentBytes ?? 16 * 1024 * 1024),
  }
}
