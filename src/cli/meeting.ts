import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { messageOf, SkerryError } from '../errors.ts'
import { RegistryDiscovery } from '../mesh/discovery/registry/client.ts'
import { systemClock } from '../time.ts'
import type { Invocation, Option } from './command.ts'
import { givenTls, tlsOptions } from './tls.ts'

/** How a command finds the registry, and is let in. */
export const registryOptions: Readonly<Record<string, Option>> = {
  registry: {
    type: 'string',
    value: 'URL',
    help: "unix:<file>, tcp://host:port or tls://host:port (default 'registry.sock' in DIR, or SKERRY_REGISTRY)",
  },
  'secret-file': {
    type: 'string',
    value: 'FILE',
    help: "what is known to all (default 'registry.secret' in DIR, or SKERRY_REGISTRY_SECRET itself)",
  },
}

/** For commands that do nothing else over TLS. */
export const registryTlsOptions = tlsOptions(
  'who signed the certificate of a registry at tls://, PEM',
  'what is shown to it where it wants one, PEM',
)

/** Where the registry is, as its clients write it. */
export function registryOf({ values, engine }: Invocation): string {
  const given = values.registry ?? process.env.SKERRY_REGISTRY
  return given ? String(given) : `unix:${join(resolve(dirOf(engine)), 'registry.sock')}`
}

/** The file of the secret, where it is not in the environment. */
export function secretFileOf({ values, engine }: Invocation): string {
  return String(values['secret-file'] ?? join(dirOf(engine), 'registry.secret'))
}

/** The secret that is given; undefined where there is none yet at the place by default. Throws `invalid_config` or `io_error`. */
export function givenSecret(invocation: Invocation): string | undefined {
  const said = process.env.SKERRY_REGISTRY_SECRET
  if (said && invocation.values['secret-file'] === undefined) return said
  const file = secretFileOf(invocation)
  try {
    return readFileSync(file, 'utf8').trim()
  } catch (cause) {
    const missing = (cause as NodeJS.ErrnoException).code === 'ENOENT'
    if (missing && invocation.values['secret-file'] === undefined) return undefined
    throw new SkerryError('io_error', `${file}: the secret cannot be read (${messageOf(cause)})`, { cause })
  }
}

/** The secret, where somebody must have made one by now. Throws `not_found`, beside what `givenSecret` does. */
function secretOf(invocation: Invocation): string {
  const secret = givenSecret(invocation)
  if (secret === undefined)
    throw new SkerryError(
      'not_found',
      `there is no ${secretFileOf(invocation)}; start a registry with: skerry registry, or give --secret-file`,
    )
  return secret
}

/** All that a client of the registry needs to be let in. */
export function accessOf(invocation: Invocation) {
  const secret = secretOf(invocation)
  const address = registryOf(invocation)
  return { address, secret, ...(address.startsWith('tls:') && { tls: { ...givenTls(invocation.values) } }) }
}

/** A client of the registry that is meant. */
export function meet(invocation: Invocation): RegistryDiscovery {
  return new RegistryDiscovery({ clock: systemClock, random: Math.random, ...accessOf(invocation) })
}

/** The folder of the embedded files. */
export const dirOf = ({ dir }: Invocation['engine']): string => dir ?? (process.env.SKERRY_DIR || '.skerry')
