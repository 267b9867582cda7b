import { SkerryError } from '../../errors.ts'

/** Why a call was turned away: this process is about to answer, or leaves, or has too much to do. */
export type Unready = 'starting' | 'leaving' | 'shed'

/**
 * A refusal before anything of a call began. Answers say so in a header that no other answer has, so that a client may ask
 * somebody else whatever the call is.
 */
export class Unbegun extends SkerryError {
  readonly why: Unready

  constructor(why: Unready, message: string, retryAfterMs?: number) {
    super(why === 'shed' ? 'overloaded' : 'unavailable', message, retryAfterMs === undefined ? {} : { retryAfterMs })
    this.why = why
  }
}
