const width = 30

/** A bar that redraws itself in place on a terminal, and is nothing at all in a pipe. */
export class Progress {
  readonly #terminal = process.stdout.isTTY === true && process.stderr.isTTY === true
  readonly #total: number
  #drawn = false

  constructor(total: number) {
    this.#total = total
  }

  show(published: number, booked: number): void {
    if (!this.#terminal) return
    this.#drawn = true
    process.stderr.write(`\r${bar(published, booked, this.#total)}\x1b[K`)
  }

  /** Leaves an empty line for whatever is printed next. */
  clear(): void {
    if (this.#drawn) process.stderr.write('\r\x1b[K')
    this.#drawn = false
  }
}

/** `━` for booked, `╌` for published and on its way. */
export function bar(published: number, booked: number, total: number): string {
  const cells = (n: number) => Math.min(width, Math.floor((n / Math.max(1, total)) * width))
  const done = cells(booked)
  const underway = Math.max(done, cells(published))
  const drawn = '━'.repeat(done) + '╌'.repeat(underway - done) + ' '.repeat(width - underway)
  const percent = Math.floor((booked / Math.max(1, total)) * 100)
  return `${drawn} ${String(percent).padStart(3)} %  ${published} of ${total} rows published, ${booked} booked`
}
