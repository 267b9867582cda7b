/** A process that leaves so many pings unanswered in a row is stopped or stuck, and is replaced. */
const mostMissed = 10
/** One that has not answered any yet may still be loading, which takes long where many processes start on a busy machine. */
const mostMissedAtFirst = 120

/** Whether a process that has missed so many pings in a row is to be replaced. */
export const isStuck = (missed: number, heardBefore: boolean): boolean =>
  missed >= (heardBefore ? mostMissed : mostMissedAtFirst)
