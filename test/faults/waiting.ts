import { setTimeout as sleep } from 'node:timers/promises'

const lookMs = 50
const patienceMs = 120_000

/** Looks again and again until it is so. Rejects, naming what was waited for, when it is not within `withinMs`. */
export async function until(
  isSo: () => boolean | Promise<boolean>,
  what: string,
  withinMs = patienceMs,
): Promise<void> {
  const deadline = performance.now() + withinMs
  while (!(await isSo())) {
    if (performance.now() > deadline) throw new Error(`waited ${withinMs / 1000} s in vain until ${what}`)
    await sleep(lookMs)
  }
}
