import type { Verdict } from './ground.ts'

/** What came of every run, for people. */
export function table(verdicts: readonly Verdict[]): string {
  const lines = verdicts.map(({ engine, store, fault, strikes, recoveredMs, summary, passed }) => [
    ...[engine, store, fault, `${strikes} ×`, seconds(recoveredMs), summary ? seconds(summary.elapsedMs) : '–'],
    ...[summary?.lost, summary?.duplicateEffects, summary?.deadLetters].map((n) => String(n ?? '–')),
    passed ? 'equal' : 'FAILED',
  ])
  const header = ['engine', 'stores', 'fault', 'struck', 'went on', 'took', 'lost', 'twice', 'dead', '']
  const all = [header, ...lines]
  const widths = header.map((_, at) => Math.max(...all.map((line) => line[at]?.length ?? 0)))
  return all
    .map(
      (line) =>
        `${line
          .map((text, at) => text.padEnd(widths[at] ?? 0))
          .join('  ')
          .trimEnd()}\n`,
    )
    .join('')
}

const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`
