/** What members of a group tell one another. All of them read the same messages in the same order. */
export type Said =
  /** I am here; where turns are: I hold it, or want it. Repeated, so that a member or a server that is new learns it. */
  | { readonly kind: 'here'; readonly member: string; readonly holds?: boolean; readonly wants?: boolean }
  | { readonly kind: 'leave'; readonly member: string }
  /** Somebody who does not answer: dropped, and back as soon as it says that it is here. */
  | { readonly kind: 'gone'; readonly member: string; readonly by: string }
  | { readonly kind: 'want'; readonly member: string }
  | { readonly kind: 'yield'; readonly member: string }
  | { readonly kind: 'nudge'; readonly member: string }

/**
 * Who is there and whose turn it is, as follows from what was said, and from nothing else: each member applies the same
 * messages in the same order and comes to the same result, so nobody has to decide. Turns go round in the order of
 * asking, and are kept until somebody else asks.
 */
export class Council {
  readonly #members = new Set<string>()
  #holder: string | undefined
  #waiting: string[] = []

  get members(): string[] {
    return [...this.#members].sort()
  }

  get holder(): string | undefined {
    return this.#holder
  }

  /** True when somebody wants the turn that is held. */
  get wanted(): boolean {
    return this.#waiting.length > 0
  }

  /** Takes in a message; true when it changed who is there. */
  apply(said: Said): boolean {
    switch (said.kind) {
      case 'here': {
        const { member } = said
        const known = this.#members.has(member)
        this.#members.add(member)
        if (said.holds && this.#holder === undefined && !this.#waiting.includes(member)) this.#holder = member
        if (said.wants) this.#ask(member)
        return !known
      }
      case 'leave':
      case 'gone':
        this.#waiting = this.#waiting.filter((member) => member !== said.member)
        this.#release(said.member)
        return this.#members.delete(said.member)
      case 'want':
        this.#ask(said.member)
        return false
      case 'yield':
        this.#release(said.member)
        return false
      case 'nudge':
        return false
    }
  }

  #ask(member: string): void {
    if (this.#holder === undefined) this.#holder = member
    else if (this.#holder !== member && !this.#waiting.includes(member)) this.#waiting.push(member)
  }

  #release(member: string): void {
    if (this.#holder === member) this.#holder = this.#waiting.shift()
  }
}
