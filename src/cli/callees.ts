import type { CalleesOptions } from '../callers.ts'
import type { Listed } from '../mesh/discovery/static.ts'
import type { Invocation, Option } from './command.ts'
import { UsageError } from './failure.ts'

export const calleeOption: Option = {
  type: 'string',
  many: true,
  value: 'SERVICE=ADDRESS',
  help: 'where a service is that handlers call, orders=http://10.0.0.7:8080; may be given several times (default SKERRY_CALLEES, else the registry knows)',
}

/** Fixed addresses of services that handlers call; undefined where none is given. Throws `UsageError`. */
export function givenCallees(values: Invocation['values']): CalleesOptions['at'] {
  const [where, entries] =
    values.callee === undefined
      ? ['SKERRY_CALLEES: ', (process.env.SKERRY_CALLEES ?? '').split(/\s+/).filter((entry) => entry !== '')]
      : ['--callee ', String(values.callee).split('\n')]
  if (entries.length === 0) return undefined
  const byService = Map.groupBy(
    entries.map((entry) => read(entry, where)),
    ({ service }) => service,
  )
  return Object.fromEntries([...byService].map(([service, all]) => [service, all.map(({ listed }) => listed)]))
}

const overHttp = /^https?:\/\/[^/?#@]+\/?$/
const byFrames = /^(?:tcp|tls):\/\/[^/?#@]+:\d+$/
const onSocket = /^unix:.+$/

function read(entry: string, where: string): { service: string; listed: Listed } {
  const [, service, text = ''] = /^([a-z][a-z0-9-]*)=(.*)$/.exec(entry) ?? []
  const [address = '', frames, ...more] = text.split(/,(?=[a-z]+:)/)
  const isAddress = [overHttp, byFrames, onSocket].some((shape) => shape.test(address)) && URL.canParse(address)
  const areFrames = frames === undefined || ([byFrames, onSocket].some((s) => s.test(frames)) && URL.canParse(frames))
  if (service !== undefined && isAddress && areFrames && more.length === 0)
    return { service, listed: frames === undefined ? address : { address, frames } }
  throw new UsageError(
    `${where}${entry}: write orders=http://10.0.0.7:8080 (or https:, tcp:, tls:, unix:), ` +
      'with frames of the same instance after a comma: orders=http://10.0.0.7:8080,tcp://10.0.0.7:7001',
  )
}
