import type { Random } from '../../ids.ts'

/**
 * A text that a regular expression matches, made by walking through it. It knows what formats are usually written in:
 * characters, classes, groups, alternatives and counts. `undefined` for anything else (looking around, back references).
 */
export function textFor(pattern: string, random: Random): string | undefined {
  const reader = new Walk(pattern, random)
  const text = reader.alternatives()
  if (text === undefined || !reader.ended) return undefined
  try {
    return new RegExp(pattern, 'u').test(text) ? text : undefined
  } catch {
    return undefined
  }
}

const digits = '0123456789'
const word = 'abcxyz012'
const mostRepeats = 2

class Walk {
  readonly #pattern: string
  readonly #random: Random
  #at = 0

  constructor(pattern: string, random: Random) {
    this.#pattern = pattern
    this.#random = random
  }

  get ended(): boolean {
    return this.#at >= this.#pattern.length
  }

  alternatives(): string | undefined {
    const found: string[] = []
    do {
      const text = this.#sequence()
      if (text === undefined) return undefined
      found.push(text)
    } while (this.#take('|'))
    return this.#pick(found)
  }

  #sequence(): string | undefined {
    let text = ''
    while (!this.ended && this.#peek() !== '|' && this.#peek() !== ')') {
      if (this.#take('^') || this.#take('$')) continue
      const begin = this.#at
      const once = this.#atom()
      if (once === undefined) return undefined
      const repeated = this.#repeat(begin, once)
      if (repeated === undefined) return undefined
      text += repeated
    }
    return text
  }

  #repeat(begin: number, once: string): string | undefined {
    const [least, most] = this.#counts() ?? [1, 1]
    const after = this.#at
    let text = least === 0 && this.#random() < 0.5 ? '' : once
    const wanted = least + Math.floor(this.#random() * (most - least + 1))
    for (let n = 1; n < Math.max(least, wanted); n++) {
      // Each time anew: a class gives another of its characters.
      this.#at = begin
      text += this.#atom() ?? ''
    }
    this.#at = after
    return least === 0 && wanted === 0 ? '' : text
  }

  #counts(): [number, number] | undefined {
    const found = /^(?:([?*+])|\{(\d+)(?:(,)(\d*))?\})\??/.exec(this.#pattern.slice(this.#at))
    if (!found) return undefined
    this.#at += found[0].length
    if (found[1]) return found[1] === '?' ? [0, 1] : found[1] === '*' ? [0, mostRepeats] : [1, mostRepeats]
    const least = Number(found[2])
    return [least, found[3] === undefined ? least : found[4] ? Number(found[4]) : least + mostRepeats]
  }

  #atom(): string | undefined {
    if (this.#take('(')) return this.#group()
    if (this.#take('[')) return this.#class()
    if (this.#take('\\')) return this.#escape()
    if (this.#take('.')) return this.#oneOf(word)
    return this.#pattern[this.#at++]
  }

  #group(): string | undefined {
    const opening = /^\?(?::|<[A-Za-z]\w*>)/.exec(this.#pattern.slice(this.#at))
    if (opening) this.#at += opening[0].length
    else if (this.#peek() === '?') return undefined
    const text = this.alternatives()
    return this.#take(')') ? text : undefined
  }

  #escape(): string | undefined {
    const letter = this.#pattern[this.#at++] ?? ''
    if (letter === 'd') return this.#oneOf(digits)
    if (letter === 'w') return this.#oneOf(word)
    if (letter === 's') return ' '
    if (letter === 'b') return ''
    return /[a-zA-Z0-9]/.test(letter) ? undefined : letter
  }

  #class(): string | undefined {
    if (this.#peek() === '^') return undefined
    const members: string[] = []
    while (!this.ended && !this.#take(']')) {
      const from = this.#take('\\') ? this.#escape() : this.#pattern[this.#at++]
      if (from === undefined) return undefined
      if (this.#peek() === '-' && this.#pattern[this.#at + 1] !== ']') {
        this.#at++
        const to = this.#pattern[this.#at++] ?? from
        for (let code = from.charCodeAt(0); code <= to.charCodeAt(0); code++) members.push(String.fromCharCode(code))
      } else members.push(from)
    }
    return this.#pick(members)
  }

  #oneOf(characters: string): string {
    return this.#pick([...characters]) as string
  }

  #pick<T>(from: readonly T[]): T | undefined {
    return from[Math.floor(this.#random() * from.length)]
  }

  #peek(): string | undefined {
    return this.#pattern[this.#at]
  }

  #take(character: string): boolean {
    if (this.#peek() !== character) return false
    this.#at++
    return true
  }
}
