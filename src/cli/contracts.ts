import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { type AnyContract, info } from '../contract.ts'
import { type Broken, brokenPromises, emptyLock, grown, type Lock, lockFile, readLock } from '../contracts/lock.ts'
import { protoOf } from '../contracts/proto.ts'
import { SkerryError } from '../errors.ts'
import { type Command, type Invocation, many } from './command.ts'
import { exits } from './failure.ts'
import { loadServices } from './services.ts'

const options = {
  lock: { type: 'string', value: 'FILE', help: `where promises are kept (default '${lockFile}')` },
} as const

export const contractCommands: readonly Command[] = [
  {
    name: 'contracts check',
    usage: 'contracts check SERVICE… [--lock FILE]',
    summary: 'compare what contracts promise with what they promised when the lock was written',
    details: `Commit the lock, and run this in continuous integration. Exit code 1 when a promise is broken, each with the field and the
compatible way, or when something is not in the lock yet.`,
    options,
    takes: [1, many],
    run: check,
  },
  {
    name: 'contracts lock',
    usage: 'contracts lock SERVICE… [--lock FILE]',
    summary: 'write down what contracts promise; refused where that breaks what is written',
    options,
    takes: [1, many],
    run: lock,
  },
  {
    name: 'contracts proto',
    usage: 'contracts proto SERVICE… [--lock FILE]',
    summary: "print the calls of services as protobuf, with the lock's numbers",
    options,
    takes: [1, many],
    run: proto,
  },
]

interface Compared {
  readonly file: string
  readonly before: Lock
  readonly after: Lock
  readonly contracts: readonly AnyContract[]
  readonly broken: readonly Broken[]
}

async function compare({ positionals, values }: Invocation): Promise<Compared> {
  const file = String(values.lock ?? lockFile)
  const before = existsSync(file) ? readLock(readFileSync(file, 'utf8'), file) : emptyLock
  const contracts = (await loadServices(positionals)).map(({ contract }) => contract)
  return { file, before, contracts, after: grown(before, contracts), broken: brokenPromises(before, contracts) }
}

const textOf = (lock: Lock): string => `${JSON.stringify(lock, undefined, 2)}\n`

async function check(invocation: Invocation): Promise<number> {
  const { out } = invocation
  const { file, before, after, broken } = await compare(invocation)
  if (broken.length > 0) return tell(invocation, broken)
  if (textOf(before) !== textOf(after))
    throw new SkerryError('not_found', `${file} does not have all that is promised; run: skerry contracts lock`)
  await (out.json ? out.data({ broken: [] }) : out.line('every promise is kept'))
  return exits.fine
}

async function lock(invocation: Invocation): Promise<number> {
  const { out } = invocation
  const { file, after, broken } = await compare(invocation)
  if (broken.length > 0) return tell(invocation, broken)
  writeFileSync(file, textOf(after))
  await (out.json ? out.data({ file }) : out.line(`${file} has what is promised`))
  return exits.fine
}

async function proto(invocation: Invocation): Promise<number> {
  const { before, contracts } = await compare(invocation)
  for (const contract of contracts)
    await invocation.out.line(protoOf(contract, before.services[contract[info].name]?.numbers ?? {}))
  return exits.fine
}

async function tell({ out }: Invocation, broken: readonly Broken[]): Promise<number> {
  if (out.json) await out.data({ broken })
  else
    for (const { what, path, why, instead } of broken)
      await out.line(`${what}${path === '' ? '' : ` ${path}`}: ${why}; ${instead}`)
  return exits.failed
}
