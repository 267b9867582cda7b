/** Microseconds on the machine's monotonic clock: comparable between the threads and processes of one machine. */
export function nowUs(): number {
  return Number(process.hrtime.bigint()) / 1_000
}
