/** Where a server is in its life; it goes only forward. */
export type Stage = 'starting' | 'serving' | 'stopping'

/** Answers to the three probes of Kubernetes; a reason means no. */
export class Health {
  #stage: Stage = 'starting'
  readonly #listeners: ((stage: Stage) => void)[] = []
  readonly #trouble: () => string | undefined

  /** `trouble` says why the services that run here cannot work, if so. */
  constructor(trouble: () => string | undefined) {
    this.#trouble = trouble
  }

  get stage(): Stage {
    return this.#stage
  }

  started(): void {
    if (this.#stage === 'starting') this.#become('serving')
  }

  stopping(): void {
    this.#become('stopping')
  }

  /** Tells of each stage that it enters. */
  onChange(listener: (stage: Stage) => void): void {
    this.#listeners.push(listener)
  }

  #become(stage: Stage): void {
    this.#stage = stage
    for (const listener of this.#listeners) listener(stage)
  }

  /** Has it started? Once it has, this stays so. */
  startup(): string | undefined {
    return this.#stage === 'starting' ? 'the services are starting' : undefined
  }

  /** Should it be sent calls? */
  readiness(): string | undefined {
    if (this.#stage === 'stopping') return 'the services are stopping'
    return this.startup() ?? this.#trouble()
  }
}
