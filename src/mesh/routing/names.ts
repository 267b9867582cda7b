import type { Problem } from './fields.ts'

const label = /^[a-zA-Z0-9](?:[-a-zA-Z0-9]*[a-zA-Z0-9])?$/
const wildcardLabel = /^(?:\*|(?:\*|[a-zA-Z0-9*])(?:[-a-zA-Z0-9]*[a-zA-Z0-9])?)$/
const headerName = /^[!#$%&'*+\-.^_`|~A-Za-z0-9]+$/
const pseudoHeaders: ReadonlySet<string> = new Set([':method', ':scheme', ':authority', ':path', ':status'])

export function isLabel(name: string): boolean {
  return name.length <= 63 && label.test(name)
}

/** A host name, of which the first label may be a wildcard. An IP address is one, too. */
export function checkHost(host: string, path: string, problems: Problem[]): void {
  const [first = '', ...rest] = host.replace(/\.$/, '').split('.')
  const fits = host.length <= 255 && first.length <= 63 && wildcardLabel.test(first) && rest.every(isLabel)
  if (!fits && !/^[\da-fA-F:]+$/.test(host)) problems.push({ path, message: `'${host}' is not a host name` })
}

/** Whether one of two hosts, either of which may begin with a wildcard, covers the other. */
export function hostsOverlap(a: string, b: string): boolean {
  if (a.startsWith('*') && b.startsWith('*')) {
    const [longer, shorter] = a.length < b.length ? [b, a] : [a, b]
    return longer.slice(1).endsWith(shorter.slice(1))
  }
  if (a.startsWith('*')) return b.endsWith(a.slice(1))
  if (b.startsWith('*')) return a.endsWith(b.slice(1))
  return a === b
}

export function checkPort(port: number, path: string, problems: Problem[]): void {
  if (port < 1 || port > 65535) problems.push({ path, message: `${port} is not a port: 1–65535` })
}

export function checkLabels(labels: Readonly<Record<string, string>>, path: string, problems: Problem[]): void {
  for (const [name, value] of Object.entries(labels)) {
    if (!/^(?:[a-z0-9A-Z.-]{1,253}\/)?[a-zA-Z0-9](?:[-\w.]{0,61}[a-zA-Z0-9])?$/.test(name))
      problems.push({ path: `${path}.${name}`, message: 'is not a name of a label' })
    if (!/^(?:[a-zA-Z0-9](?:[-\w.]{0,61}[a-zA-Z0-9])?)?$/.test(value))
      problems.push({ path: `${path}.${name}`, message: `'${value}' is not a value of a label` })
  }
}

/** A header that a match looks at. */
export function checkMatchedHeader(name: string, path: string, problems: Problem[]): void {
  if (name.startsWith('@request.auth.claims'))
    problems.push({ path, message: 'claims of a token can be matched at a gateway only' })
  else if (!pseudoHeaders.has(name) && !headerName.test(name))
    problems.push({ path, message: `'${name}' is not a header name` })
}

export function isAuthority(name: string): boolean {
  return /^(?::authority|host)$/i.test(name)
}

/** A header that an operation changes: the authority may be set in requests, no other that begins with a colon. */
export function checkChangedHeader(name: string, authority: boolean, path: string, problems: Problem[]): void {
  if (name === '') problems.push({ path, message: 'a header name cannot be empty' })
  else if (isAuthority(name) && authority) return
  else if (isAuthority(name)) problems.push({ path, message: `'${name}' cannot be changed here` })
  else if (name.startsWith(':'))
    problems.push({ path, message: `'${name}' begins with a colon, and cannot be changed` })
}

/** Envoy would put what it knows in the place of `%NAME%`; here a per cent sign is written `%%`. */
export function checkHeaderValue(value: string, path: string, problems: Problem[]): void {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what no header may hold
  if (/[\u0000-\u0008\u000a-\u001f\u007f]/.test(value)) problems.push({ path, message: 'holds a control character' })
  if (value.replaceAll('%%', '').includes('%'))
    problems.push({ path, message: 'variables such as %HOSTNAME% are known to Envoy only; a per cent sign is %%' })
}
