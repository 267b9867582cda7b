import { addUp, type Part, type Sum } from '../mesh/discovery/registry/adding-up.ts'
import type { Command, Invocation } from './command.ts'
import { many } from './command.ts'
import { exits, missing } from './failure.ts'
import { meet, registryOptions, registryTlsOptions } from './meeting.ts'
import { count, type Output } from './output.ts'

export const endpoints: Command = {
  name: 'endpoints',
  usage: 'endpoints [SERVICE…] [--registry URL] [--secret-file FILE]',
  summary: 'show the instances of services: ready of expected, the load of each, and what does not add up',
  details: `S is the number of instances, S = |V|; R is how many requests are under way at each, as it says itself once a second;
L is their sum, L = Σ R. Whatever makes a figure doubtful is said after it, and the exit code is 2 then.`,
  options: {
    ...registryOptions,
    ...registryTlsOptions,
  },
  takes: [0, many],
  run: runEndpoints,
}

async function runEndpoints(invocation: Invocation): Promise<number> {
  const { positionals, out } = invocation
  const registry = meet(invocation)
  try {
    const listed = await registry.list()
    const names = listed.map(({ service }) => service)
    for (const wanted of positionals)
      if (!names.includes(wanted)) throw missing('service', wanted, names, 'See them with: skerry endpoints')
    const sums = listed.filter(({ service }) => positionals.length === 0 || positionals.includes(service)).map(addUp)
    if (out.json) await out.data(sums.map(figures))
    else await show(sums, out)
    return sums.some(({ gaps }) => gaps.length > 0) ? exits.partly : exits.fine
  } finally {
    await registry.close()
  }
}

function figures({ service, ready, expected, size, load, instances, gaps }: Sum) {
  return {
    ...{ service, ready, expected: expected ?? null, size, load },
    instances: instances.map(({ service: _, hiddenBy, load: one, loadAgeMs, share, expected: said, ...rest }) => ({
      ...rest,
      ...{ expected: said ?? null, load: one ?? null, loadAgeMs: loadAgeMs ?? null, share: share ?? null },
      hiddenBy: hiddenBy ?? null,
    })),
    gaps,
  }
}

async function show(sums: readonly Sum[], out: Output): Promise<void> {
  if (sums.length === 0) return out.line('no service has registered an instance')
  for (const [i, { service, ready, expected, size, load, instances, gaps }] of sums.entries()) {
    if (i > 0) await out.line('')
    const of = expected === undefined ? 'nobody says of how many' : `of ${count(expected)} expected`
    await out.line(
      `${out.style('bold', service)}: ${count(ready)} ready, ${of}; S = |V| = ${count(size)}, L = Σ R = ${count(load)}`,
    )
    for (const gap of gaps) await out.line(out.style('yellow', `  ${gap}`))
    if (instances.length > 0)
      await out.table(
        ['id', 'address', 'state', 'R', 'of L', 'weight', 'zone', 'labels'],
        instances.map((one) => [
          ...[one.id, placesOf(one), stateOf(one), one.load ?? '', percent(one.share), one.weight, one.zone ?? ''],
          Object.entries(one.labels)
            .map(([name, value]) => `${name}=${value}`)
            .join(' '),
        ]),
      )
  }
}

const placesOf = ({ address, frames }: Part): string => (frames === undefined ? address : `${address} ${frames}`)

function stateOf({ ready, hiddenBy }: Part): string {
  if (hiddenBy !== undefined) return `replaced by ${hiddenBy}`
  return ready ? 'ready' : 'not ready'
}

const percent = (share: number | undefined): string => (share === undefined ? '' : `${Math.round(share * 100)} %`)
