export type TurnEvent<M> =
  | { readonly kind: 'granted'; readonly member: M; readonly grant: number }
  | { readonly kind: 'wanted'; readonly member: M; readonly grant: number }
  | { readonly kind: 'revoked'; readonly member: M; readonly grant: number }

interface Holder<M> {
  readonly member: M
  readonly grant: number
  /** It has been asked to yield. */
  asked: boolean
}

/**
 * Whose turn it is, in the order of asking. A turn is kept until somebody else asks; then its holder is asked to
 * yield. Nothing is granted until `open`, so that a holder from before a change of writer can say so first (`adopt`).
 * Each method returns what must be told, in order.
 */
export class Turns<M> {
  #holder: Holder<M> | undefined
  #waiting: M[] = []
  #grants: number
  #open = false

  /** Grants are numbered from `after` on, so that they never repeat across writers. */
  constructor(after: number) {
    this.#grants = after
  }

  get holder(): M | undefined {
    return this.#holder?.member
  }

  open(): TurnEvent<M>[] {
    this.#open = true
    return this.#settle()
  }

  adopt(member: M, grant: number): TurnEvent<M>[] {
    if (this.#holder && this.#holder.member !== member) return [{ kind: 'revoked', member, grant }]
    this.#holder = { member, grant, asked: false }
    return this.#settle()
  }

  ask(member: M): TurnEvent<M>[] {
    if (this.#holder?.member !== member && !this.#waiting.includes(member)) this.#waiting.push(member)
    return this.#settle()
  }

  /** A grant that is no longer the holder's is ignored: it was revoked, and the message crossed with that. */
  yield(member: M, grant: number): TurnEvent<M>[] {
    if (this.#holder?.member !== member || this.#holder.grant !== grant) return []
    this.#holder = undefined
    return this.#settle()
  }

  /** The member is gone, or does not answer: its turn and its place in the queue go to the next. */
  drop(member: M): TurnEvent<M>[] {
    const lost = this.#holder?.member === member ? this.#holder : undefined
    if (lost) this.#holder = undefined
    this.#waiting = this.#waiting.filter((m) => m !== member)
    const told = this.#settle()
    return lost ? [{ kind: 'revoked', member, grant: lost.grant }, ...told] : told
  }

  #settle(): TurnEvent<M>[] {
    if (!this.#open) return []
    const told: TurnEvent<M>[] = []
    if (!this.#holder) {
      const member = this.#waiting.shift()
      if (member === undefined) return told
      this.#holder = { member, grant: ++this.#grants, asked: false }
      told.push({ kind: 'granted', member, grant: this.#grants })
    }
    if (this.#waiting.length > 0 && !this.#holder.asked) {
      this.#holder.asked = true
      told.push({ kind: 'wanted', member: this.#holder.member, grant: this.#holder.grant })
    }
    return told
  }
}
