import type { Clock } from '../../time.ts'
import { type Headers, readAbout, readPriority, timingHeaders, unbegunHeader } from './headers.ts'
import { type Received, readInput } from './input.ts'
import { checkJson } from './json.ts'
import { type ProblemAnswer, problemOf, problemType } from './problem.ts'
import type { Served } from './table.ts'
import type { Traffic } from './traffic.ts'

/** An answer as HTTP has it, whatever it is sent by. */
export interface Answer {
  readonly status: number
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: Buffer
}

export interface Asking {
  readonly received: Received
  readonly headers: Headers
  /** Aborts when nobody waits for the answer any more; asked for once, when the call begins. */
  readonly gone: () => AbortSignal
}

/** Answers one call. Never rejects. */
export async function answerCall(
  { callee, type, plan }: Served,
  { received, headers, gone }: Asking,
  { clock, traffic }: { readonly clock: Clock; readonly traffic: Traffic },
): Promise<Answer> {
  const came = clock.monotonic()
  let read = came
  const timing = (): Record<string, string> => timingHeaders(read - came, clock.monotonic() - read)
  try {
    const signal = gone()
    const leftUs = (): boolean => signal.aborted
    const text = await traffic.during(readPriority(headers), leftUs, async () => {
      const input = readInput(plan, received)
      checkJson(input)
      const about = readAbout(headers)
      read = clock.monotonic()
      return callee.invoke({ ...about, call: type.name, input, signal })
    })
    return {
      status: 200,
      headers: { 'content-type': 'application/json; charset=utf-8', ...timing() },
      body: Buffer.from(text),
    }
  } catch (error) {
    return problemAnswer(problemOf(error), timing())
  }
}

/** A problem document, with further headers. */
export function problemAnswer({ problem, retryAfterS, unbegun }: ProblemAnswer, more: Answer['headers'] = {}): Answer {
  return {
    status: problem.status,
    headers: {
      ...more,
      'content-type': problemType,
      ...(retryAfterS !== undefined && { 'retry-after': String(retryAfterS) }),
      ...(unbegun !== undefined && { [unbegunHeader]: unbegun }),
    },
    body: Buffer.from(JSON.stringify(problem)),
  }
}
