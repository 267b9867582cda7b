/**
 * Whether bytes are fields of protobuf from the first to the last: the library reads on where a length leads beyond the end, and
 * takes what is there. What lies within a field is its own affair.
 */
export function areFields(bytes: Uint8Array): boolean {
  let at = 0
  while (at < bytes.length) {
    const tag = varint(bytes, at)
    if (!tag || tag.value < 8) return false
    at = tag.next
    const kind = tag.value % 8
    if (kind === 0 || kind === 2) {
      const number = varint(bytes, at)
      if (!number) return false
      at = number.next + (kind === 2 ? number.value : 0)
    } else if (kind === 1) at += 8
    else if (kind === 5) at += 4
    else return false
  }
  return at === bytes.length
}

/** A number of at most ten bytes; past 2^53 it is not exact, and longer than any message at any rate. */
function varint(bytes: Uint8Array, from: number): { readonly value: number; readonly next: number } | undefined {
  let value = 0
  for (let i = 0; i < 10; i++) {
    const byte = bytes[from + i]
    if (byte === undefined) return undefined
    value += (byte & 127) * 2 ** (7 * i)
    if (byte < 128) return { value, next: from + i + 1 }
  }
  return undefined
}
