/**
 * Whether bytes are fields of protobuf from the first to the last: the library reads on where a length leads beyond the end, and
 * takes what is there. What lies within a field is its own affair.
 */
export function areFields(bytes: Uint8Array): boolean {
  const cursor = { at: 0 }
  while (cursor.at < bytes.length) {
    const tag = varint(bytes, cursor)
    if (tag < 8) return false
    const kind = tag % 8
    if (kind === 0 || kind === 2) {
      const number = varint(bytes, cursor)
      if (number < 0) return false
      if (kind === 2) cursor.at += number
    } else if (kind === 1) cursor.at += 8
    else if (kind === 5) cursor.at += 4
    else return false
  }
  return cursor.at === bytes.length
}

/**
 * A number of at most ten bytes, from where the cursor is; −1 for none. Past 2^53 it is not exact, and longer than any message at
 * any rate.
 */
function varint(bytes: Uint8Array, cursor: { at: number }): number {
  let value = 0
  for (let i = 0; i < 10; i++) {
    const byte = bytes[cursor.at++]
    if (byte === undefined) return -1
    value += (byte & 127) * 2 ** (7 * i)
    if (byte < 128) return value
  }
  return -1
}
