import type { Random } from '../../ids.ts'
import type { Fault, Percent } from './rules.ts'

/** Names of gRPC's status codes. */
export const statusOfGrpc: ReadonlyMap<string, number> = new Map(
  [
    'OK',
    'CANCELLED',
    'UNKNOWN',
    'INVALID_ARGUMENT',
    'DEADLINE_EXCEEDED',
    'NOT_FOUND',
    'ALREADY_EXISTS',
    'PERMISSION_DENIED',
    'RESOURCE_EXHAUSTED',
    'FAILED_PRECONDITION',
    'ABORTED',
    'OUT_OF_RANGE',
    'UNIMPLEMENTED',
    'INTERNAL',
    'UNAVAILABLE',
    'DATA_LOSS',
    'UNAUTHENTICATED',
  ].map((name, code) => [name, code]),
)

/** A fault that a request shall suffer: first the delay, then the abort. */
export interface InjectedFault {
  readonly delayMs?: number
  readonly abort?: { readonly httpStatus: number } | { readonly grpcStatus: number }
}

/** Rolls the dice for one request; nothing where it is spared. A percentage that is not set is none. */
export function injectFault(fault: Fault, random: Random): InjectedFault | undefined {
  const { delay, abort } = fault
  const delayed = delay?.fixedDelay !== undefined && happens(delay.percentage ?? { value: delay.percent ?? 0 }, random)
  const aborted = abort !== undefined && happens(abort.percentage, random)
  if (!delayed && !aborted) return undefined
  return {
    ...(delayed ? { delayMs: delay.fixedDelay } : {}),
    ...(aborted ? { abort: statusOf(abort) } : {}),
  }
}

function statusOf(abort: NonNullable<Fault['abort']>): NonNullable<InjectedFault['abort']> {
  if (abort.grpcStatus !== undefined) return { grpcStatus: statusOfGrpc.get(abort.grpcStatus) ?? 2 }
  return { httpStatus: abort.httpStatus ?? 500 }
}

export function happens(percent: Percent | undefined, random: Random): boolean {
  return random() * 100 < (percent?.value ?? 0)
}
