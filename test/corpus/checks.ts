/**
 * What a person knows about a program and no tool can find out: plain data, which `check(App, { … })` will take. Each program
 * exports one as `checks`. Labels are `service.event`; SQL is a text that must give no rows.
 */
export interface Checks {
  /** Hold after every event, whatever came in whatever order: by service, by name. */
  readonly invariants?: Readonly<Record<string, Readonly<Record<string, string>>>>
  /** Hold once everything is quiet: by service, by name. */
  readonly eventually?: Readonly<Record<string, Readonly<Record<string, string>>>>
  /** Columns that nobody reads a meaning into: `service.table.column`. */
  readonly opaque?: readonly string[]
  /**
   * Facts that happen once: an event with the same key (`key`), or with the same values in these fields, is the same fact, and
   * has the same data. A type that is not named here may say different things under one key.
   */
  readonly once?: Readonly<Record<string, 'key' | readonly string[]>>
  /** What the program claims beyond what Skerry gives by itself. */
  readonly claims?: {
    /** Services in which these facts, published again under a new id, change nothing: `service` → labels. */
    readonly republication?: Readonly<Record<string, readonly string[]>>
  }
  /** Values to generate from, by the name of a leaf in the data of events. Others come from the schema. */
  readonly leaves?: Readonly<Record<string, readonly unknown[]>>
  /** Answers of the outside world, by name of the work. */
  readonly outside?: Readonly<Record<string, Outside>>
  /** Dependences that are meant. */
  readonly dependsOn?: readonly Declared[]
}

export interface Outside {
  readonly answer: unknown
  /** It changes something out there: performing it twice is not the same as once, unless the provider is given a key. */
  readonly effect: boolean
}

export interface Declared {
  readonly service: string
  readonly type: string
  readonly on: string
  readonly why: string
}
