/** Events of a stream are spread over this many lanes by their keys; processes own runs of lanes, partitions hold some each. */
export const laneCount = 64

/** The lane of a key: the same in every process, in every store and in every engine that spreads a stream. */
export function laneOfKey(key: string): number {
  return hashOfText(key) % laneCount
}

/** FNV-1a, 32 bits, over UTF-16 code units (Fowler, Noll, Vo): quick, stable, good enough to spread keys. */
export function hashOfText(text: string): number {
  let h = 0x811c9dc5
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193)
  return h >>> 0
}
