import { seededRandom } from '../../ids.ts'
import type { Clock } from '../../time.ts'
import { type CallSite, type PrimaryKeys, readCallSite } from './call-site.ts'
import type { Kind, SecondCounts } from './counts.ts'
import { keyText, type Touch } from './touches.ts'
import { Counts, type Tried } from './window.ts'

/** Length of a window, in milliseconds. */
export const windowMs = 100

/**
 * Most events of one window that are remembered, and most statements of one event: those that come first. It bounds memory,
 * and what a window costs.
 */
const mostEvents = 1000
const mostTouches = 64

/** Seconds that wait to be stored: while the store fails, newer ones are left out. */
const mostWaiting = 600

export interface SamplerOptions {
  readonly clock: Clock
  /** Share of seconds that are sampled, above 0 and up to 1. */
  readonly share: number
  /** The instance's name; which seconds it samples follows from it. */
  readonly member: string
}

/** What is known of an event that is being tried, beside its outcome. */
export interface Subject {
  readonly kind: Kind
  readonly key: string
  readonly correlation: string
}

/** Notes which rows one try touches. */
export class Trace {
  readonly touches: Touch[] = []
  readonly #sampler: Sampler

  constructor(sampler: Sampler) {
    this.#sampler = sampler
  }

  statement(template: TemplateStringsArray, values: readonly unknown[]): void {
    if (this.touches.length >= mostTouches) return
    try {
      for (const target of this.#sampler.callSite(template).targets)
        this.touches.push({ target, value: keyText(target, values) })
    } catch {
      // Values that have no text, or no template at all: the store says what is wrong with them, and a measure fails nobody.
    }
  }
}

/**
 * Watches what a processor handles, in a share of seconds, ten windows of 100 ms in each, and every window whole: who samples
 * single events never sees two that belong together. Beside those it does nothing but ask for the time once for each batch.
 */
export class Sampler {
  readonly #options: SamplerOptions
  #keys: PrimaryKeys = new Map()
  #sites = new WeakMap<TemplateStringsArray, CallSite>()
  #window = -1
  #second = -1
  #sampling = false
  /** What is being tried in this window, until its outcome is on disk. */
  readonly #traces = new Map<object, Trace>()
  /** What was read for an event before its turn came. */
  readonly #prepared = new WeakMap<object, Trace>()
  #tried: Tried[] = []
  #counts = new Counts()
  #closed: SecondCounts[] = []

  constructor(options: SamplerOptions) {
    this.#options = options
  }

  /** Tells which columns identify rows; until then every touch is of a whole table. */
  learn(keys: PrimaryKeys): void {
    this.#keys = keys
    this.#sites = new WeakMap()
  }

  callSite(template: TemplateStringsArray): CallSite {
    const known = this.#sites.get(template)
    if (known) return known
    const site = readCallSite(template, this.#keys)
    this.#sites.set(template, site)
    return site
  }

  /** Looks at the clock: a window that is over is counted, a second that is over waits to be stored. */
  look(): void {
    const window = Math.floor(this.#options.clock.wall() / windowMs)
    if (window === this.#window) return
    this.#closeWindow()
    this.#window = window
    const second = Math.floor((window * windowMs) / 1000)
    if (second === this.#second) return
    this.#closeSecond()
    this.#second = second
    this.#sampling = seededRandom(`${this.#options.member} ${second}`)() < this.#options.share
  }

  /** Begins to watch a try; undefined when this window is not sampled, or is full. */
  begin(work: object): Trace | undefined {
    if (!this.#sampling || this.#tried.length + this.#traces.size >= mostEvents) return undefined
    const trace = new Trace(this)
    for (const touch of this.#prepared.get(work)?.touches ?? []) trace.touches.push(touch)
    this.#traces.set(work, trace)
    return trace
  }

  /** Notes what a `prepare` step reads; undefined when this second is not sampled. */
  preparing(work: object): Trace | undefined {
    if (!this.#sampling) return undefined
    const trace = new Trace(this)
    this.#prepared.set(work, trace)
    return trace
  }

  /** What became of a try, once that is on disk. Only those of this window count that were begun in it. */
  end(work: object, subject: Subject, failed: boolean): void {
    const trace = this.#traces.get(work)
    if (!trace) return
    this.#traces.delete(work)
    this.#tried.push({ ...subject, failed, touches: failed ? [] : trace.touches })
  }

  /** Events of these kinds ran again because of another transaction, while those were in flight: candidates, sampled or not. */
  conflicted(again: Iterable<Kind>, inFlight: ReadonlySet<Kind>): void {
    this.look()
    for (const kind of again) for (const beside of inFlight) this.#counts.addRerun(kind, beside)
  }

  /** Seconds that wait to be stored. */
  get closed(): readonly SecondCounts[] {
    return this.#closed
  }

  /** So many of them are on disk. */
  stored(n: number): void {
    this.#closed = this.#closed.slice(n)
  }

  /** Nothing more will come: what is open counts as it is. */
  finish(): void {
    this.#closeWindow()
    this.#closeSecond()
    this.#sampling = false
  }

  #closeWindow(): void {
    if (this.#tried.length > 0) this.#counts.addWindow(this.#tried)
    this.#tried = []
    this.#traces.clear()
  }

  #closeSecond(): void {
    const { pairs } = this.#counts
    this.#counts = new Counts()
    if (pairs.length > 0 && this.#closed.length < mostWaiting) this.#closed.push({ second: this.#second, pairs })
  }
}
