/** Share of usable endpoints below which all are used: Envoy's panic threshold. 0 never panics. */
export const defaultPanicShare = 0.5

/**
 * The ones that are usable; all of them where too few would be left, since those few would be next to fail, and the fault is
 * more likely ours. Gives the list itself where nothing is left out, so that its identity stays.
 */
export function unlessPanic<T>(
  all: readonly T[],
  usable: (one: T) => boolean,
  share = defaultPanicShare,
): readonly T[] {
  const left = all.filter(usable)
  return left.length === all.length || left.length < share * all.length ? all : left
}
