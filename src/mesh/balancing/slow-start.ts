/** How a new endpoint comes to its full share: Envoy's formula, so that Istio's `warmup` means what it says. */
export interface SlowStart {
  /** How long it takes, in milliseconds. 0 is at once. @default 30 000, in which V8 has optimised what is hot */
  readonly windowMs: number
  /** Share at the very beginning, 0–1. @default 0.1 */
  readonly least: number
  /** 1 grows linearly, more grows faster at first. Above 0. @default 1 */
  readonly aggression: number
}

export const defaultSlowStart: SlowStart = { windowMs: 30_000, least: 0.1, aggression: 1 }

/** By how much the weight of an endpoint of this age counts: from `least` up to 1. */
export function slowStartFactor(ageMs: number, slowStart: SlowStart): number {
  if (ageMs >= slowStart.windowMs) return 1
  const passed = Math.max(0, ageMs) / slowStart.windowMs
  return Math.max(slowStart.least, slowStart.aggression === 1 ? passed : passed ** (1 / slowStart.aggression))
}
