/** One failed try, kept with the event. */
export interface Attempt {
  readonly at: number
  readonly code: string
  readonly message: string
  readonly charged: boolean
}

/** How far an event's tries have come. */
export interface Tries {
  /** Charged ones. */
  readonly attempts: number
  /** Uncharged reruns: version conflicts, unavailability. */
  readonly reruns: number
  /** Times that `handle` overran its budget. */
  readonly overruns: number
  readonly history: readonly Attempt[]
}

export const untried: Tries = { attempts: 0, reruns: 0, overruns: 0, history: [] }

/** True before the first try, charged or not. */
export const isFirst = ({ attempts, reruns, overruns }: Tries): boolean => attempts + reruns + overruns === 0
