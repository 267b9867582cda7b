import type { EngineOptions } from '../engines.ts'
import type { Output } from './output.ts'

export interface Option {
  /** `optional`: with a value after `=` only. */
  readonly type: 'string' | 'boolean' | 'optional'
  readonly short?: string
  /** It may be given several times: the values are lines of one text. */
  readonly many?: true
  /** What stands for the value in the help. */
  readonly value?: string
  readonly help: string
}

export interface Command {
  /** One or two words. */
  readonly name: string
  readonly usage: string
  /** One line, without a full stop. */
  readonly summary: string
  /** More lines for its own help. */
  readonly details?: string
  readonly options: Readonly<Record<string, Option>>
  /** How few and how many arguments. */
  readonly takes: readonly [least: number, most: number]
  /** Resolves with the exit code. */
  readonly run: (invocation: Invocation) => Promise<number>
}

/** What a command is given. */
export interface Invocation {
  readonly positionals: readonly string[]
  readonly values: Readonly<Record<string, string | true>>
  readonly engine: EngineOptions
  readonly app: string
  readonly out: Output
  /** All arguments as they were given, for processes that do the same. */
  readonly args: readonly string[]
}

export const many = Number.POSITIVE_INFINITY
