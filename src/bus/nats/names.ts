import { SkerryError } from '../../errors.ts'

/** What an application's bus is called on a server. */
export interface Names {
  /** The JetStream stream with the events and the writers' terms. */
  readonly log: string
  /** The JetStream stream with what must outlive retention: readers, older terms, the tally. Last message of each subject. */
  readonly registry: string
  /** Every event of the application. */
  readonly events: string
  /** Where writers say that they begin. */
  readonly terms: string
  readonly registered: string
  /** The JetStream stream, in memory, that puts in order what processes say to one another. */
  readonly groups: string
  readonly spoken: string
}

export function namesOf(app: string): Names {
  const own = token(app, 'application')
  return {
    log: `SKERRY_${own}`,
    registry: `SKERRY_${own}_REGISTRY`,
    events: `skerry.${own}.e.>`,
    terms: `skerry.${own}.t`,
    registered: `skerry.${own}.r.>`,
    groups: `SKERRY_${own}_GROUPS`,
    spoken: `skerry.${own}.g.*`,
  }
}

const prefixOf = (names: Names): string => names.terms.slice(0, -2)

/** Where one producer's events of one stream are: its last message tells the producer's mark. */
export function eventsOf(names: Names, stream: string, producer: string): string {
  return `${prefixOf(names)}.e.${token(stream, 'stream')}.${token(producer, 'producer')}`
}

export const streamFilter = (names: Names, stream: string): string =>
  `${prefixOf(names)}.e.${token(stream, 'stream')}.*`
export const producerFilter = (names: Names, producer: string): string =>
  `${prefixOf(names)}.e.*.${token(producer, 'producer')}`

export const readerSubject = (names: Names, subscription: string): string =>
  `${prefixOf(names)}.r.reader.${token(subscription, 'subscription')}`
export const readerFilter = (names: Names): string => `${prefixOf(names)}.r.reader.*`
export const termSubject = (names: Names, start: number): string => `${prefixOf(names)}.r.term.${start}`
export const termFilter = (names: Names): string => `${prefixOf(names)}.r.term.*`
export const tallySubject = (names: Names): string => `${prefixOf(names)}.r.tally`

export const groupSubject = (names: Names, group: string): string => `${prefixOf(names)}.g.${token(group, 'group')}`
export const memberSubject = (names: Names, group: string, member: string): string =>
  `${prefixOf(names)}.m.${token(group, 'group')}.${token(member, 'member')}`

/** Stream and producer of an event's subject; undefined for anything else. */
export function ownersOf(subject: string): { readonly stream: string; readonly producer: string } | undefined {
  const parts = subject.split('.')
  if (parts.length !== 5 || parts[2] !== 'e') return undefined
  return { stream: decodeURIComponent(parts[3] as string), producer: decodeURIComponent(parts[4] as string) }
}

const longest = 255

/** A name as one token of a subject: readable, and different names stay different. */
function token(name: string, what: string): string {
  const text = name.isWellFormed() ? encodeURIComponent(name).replace(/[.!~*'()]/g, escapeOne) : ''
  if (text.length >= 1 && text.length <= longest) return text
  throw new SkerryError(
    'invalid_config',
    `the ${what} name '${name.slice(0, 40)}' cannot be part of a NATS subject; use 1 to ${longest} characters`,
  )
}

const escapeOne = (character: string): string => `%${character.charCodeAt(0).toString(16).toUpperCase()}`
