import { setFlagsFromString } from 'node:v8'

/** Flags by which users size the heap themselves: with one of them, it is theirs. */
const sized =
  /--(max|min)[-_]semi[-_]space|--semi[-_]space[-_]growth|--heap[-_]growing[-_]percent|--max[-_]old[-_]space/

/**
 * Handling events makes many objects that die young and few that stay. Left alone, V8 lets both generations grow to
 * several times of what lives in them: about 110 MB of a process that works off a backlog, and none of its speed. Only
 * for processes that are our own, before they load anything: in others the flags are for those who start them to give.
 */
export function keepHeapSmall(
  given: string = [...process.execArgv, process.env.NODE_OPTIONS].join(' '),
  set: (flag: string) => void = setFlagsFromString,
): void {
  if (sized.test(given)) return
  set('--semi-space-growth-factor=1')
  set('--heap-growing-percent=50')
}
