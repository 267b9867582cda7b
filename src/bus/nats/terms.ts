import { randomIdentity } from '../../ids.ts'
import type { Incarnation, Lineage } from '../bus.ts'
import { isOutdated } from './failures.ts'
import type { Log, Tip } from './log.ts'
import { positionOf } from './message.ts'
import { termFilter, termSubject } from './names.ts'

interface Term {
  readonly token: string
  readonly start: number
}

/**
 * The terms of this bus's writers. Each process says in the log that it begins to write, before its first event and after
 * every interruption, since a log can only be exchanged for an older copy while nobody is connected. The place of
 * that message is where the term starts; retention moves it to the registry.
 */
export class Terms {
  readonly #log: Log
  /** All that are known, oldest first. */
  #known: Term[] = []
  #loading: Promise<void> | undefined
  #beginning: Promise<void> | undefined
  /** Those of them that the registry has. */
  readonly #archived = new Set<number>()
  /** Up to where the log was looked through. */
  #seen = 0
  /** The interruption count under which ours was begun. */
  #epoch = -1

  constructor(log: Log) {
    this.#log = log
  }

  /** The newest term as of a tip: one that no message up to there is later than. */
  async newest(tip: Tip): Promise<string> {
    await this.#catchUp(tip)
    return this.#known.at(-1)?.token ?? ''
  }

  async lineage(): Promise<Lineage> {
    let tip = await this.#log.tip()
    await this.#catchUp(tip)
    // A store remembers the newest term: there has to be one.
    if (this.#known.length === 0) {
      await this.#log.link.ask(() => this.begin())
      tip = await this.#log.tip()
    }
    const incarnations: Incarnation[] = this.#known.map(({ token, start }) => ({ token, start: positionOf(start) }))
    return { bus: this.#log.identity, incarnations, head: positionOf(tip.last + 1) }
  }

  /** Resolves when this process has begun to write; at once, unless the connection was interrupted since. */
  begin(): Promise<void> {
    if (this.#epoch === this.#log.link.epoch) return Promise.resolve()
    this.#beginning ??= this.#begin().finally(() => {
      this.#beginning = undefined
    })
    return this.#beginning
  }

  async #begin(): Promise<void> {
    for (;;) {
      const { epoch } = this.#log.link
      const tip = await this.#log.tip()
      await this.#catchUp(tip)
      const last = this.#known.at(-1)
      const number = Number.parseInt(last?.token ?? '0', 10) + 1
      const token = `${number}.${randomIdentity().slice(0, 16)}`
      const expected = last && last.start >= tip.first ? last.start : 0
      try {
        const start = await this.#log.put(this.#log.names.terms, JSON.stringify({ token }), expected)
        this.#add({ token, start })
        this.#epoch = epoch
        return
      } catch (error) {
        // Another process began at the same moment: look, and begin after it.
        if (!isOutdated(error)) throw error
      }
    }
  }

  /** The log is about to lose what is below `first`: terms that started there are kept beside it. */
  async keep(first: number): Promise<void> {
    for (const { token, start } of this.#known.filter((term) => term.start < first)) {
      const subject = termSubject(this.#log.names, start)
      if (this.#archived.has(start)) continue
      try {
        await this.#log.put(subject, JSON.stringify({ token, start }), 0)
      } catch (error) {
        if (!isOutdated(error)) throw error
      }
      this.#archived.add(start)
    }
  }

  async #catchUp(tip: Tip): Promise<void> {
    if (this.#complete(tip)) return
    this.#loading ??= this.#load(tip).finally(() => {
      this.#loading = undefined
    })
    await this.#loading
    // Whoever began to load did so for an earlier tip, perhaps.
    if (!this.#complete(tip)) await this.#load(tip)
  }

  /** Terms are added at the end and dropped at the beginning: as many as the log shows means the same ones. */
  #complete(tip: Tip): boolean {
    return tip.first <= this.#seen + 1 && this.#shown(tip) >= tip.terms
  }

  #shown({ first }: Tip): number {
    let shown = 0
    for (let at = this.#known.length - 1; at >= 0 && (this.#known[at] as Term).start >= first; at--) shown++
    return shown
  }

  async #load(tip: Tip): Promise<void> {
    const { names } = this.#log
    const from = Math.max(tip.first, (this.#known.at(-1)?.start ?? 0) + 1)
    await this.#log.scan('log', names.terms, from, ({ message, sequence }) => {
      this.#add({ token: message.json<{ token: string }>().token, start: sequence })
      return true
    })
    // Retention has passed what was not looked at before, or has done so since the tip.
    if (!this.#complete(tip))
      await this.#log.scan('registry', termFilter(names), 1, ({ message }) => {
        const term = message.json<Term>()
        this.#archived.add(term.start)
        this.#add(term)
        return true
      })
    this.#seen = Math.max(this.#seen, tip.last)
  }

  #add(term: Term): void {
    let at = this.#known.length
    while (at > 0 && (this.#known[at - 1] as Term).start > term.start) at--
    if (this.#known[at - 1]?.start === term.start) return
    this.#known.splice(at, 0, term)
  }
}
