import type { RegistryOptions } from '../registering.ts'
import { pairsOf, wholeNumber } from './arguments.ts'
import type { Invocation, Option } from './command.ts'
import { UsageError } from './failure.ts'
import { accessOf } from './meeting.ts'

/** What a registry is told of a process. */
export const tellingOptions: Readonly<Record<string, Option>> = {
  advertise: {
    type: 'string',
    value: 'HOST',
    help: 'where others reach it: a host, or a URL (default where it listens, or SKERRY_ADVERTISE)',
  },
  label: {
    type: 'string',
    many: true,
    value: 'NAME=VALUE',
    help: 'what routes tell subsets by, such as version=v2; may be given several times',
  },
  weight: { type: 'string', value: 'N', help: 'capacity relative to the others (default 1)' },
  zone: { type: 'string', value: 'NAME', help: 'where it is' },
  expected: {
    type: 'string',
    value: 'N',
    help: 'how many processes of these services there should be, on all machines (default those of --processes)',
  },
}

/** The registry that is asked, and what it is told, if so; none unless one is given. Throws `UsageError` naming the option. */
export function tellingOf(invocation: Invocation, tell: boolean): RegistryOptions | undefined {
  const { values } = invocation
  const advertise = values.advertise ?? (process.env.SKERRY_ADVERTISE || undefined)
  const labels = pairsOf(values.label, /^([^=]+)=(.*)$/, '--label: write NAME=VALUE')
  const weight = weightOf(values.weight)
  const expected = wholeNumber(values, 'expected', 1) ?? wholeNumber(values, 'processes', 1) ?? 1
  if ((values.registry ?? (process.env.SKERRY_REGISTRY || undefined)) === undefined) return undefined
  return {
    ...{ ...accessOf(invocation), expected, labels, tell },
    ...(advertise !== undefined && { advertise: String(advertise) }),
    ...(weight !== undefined && { weight }),
    ...(values.zone !== undefined && { zone: String(values.zone) }),
  }
}

function weightOf(given: string | true | undefined): number | undefined {
  if (given === undefined) return undefined
  const weight = Number(given)
  if (given !== '' && weight >= 0 && Number.isFinite(weight)) return weight
  throw new UsageError(`--weight ${given}: give a number of at least 0`)
}
