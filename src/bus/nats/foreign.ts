import type { Clock } from '../../time.ts'
import type { ForeignAdapter, SubjectPlace, SubjectTarget } from '../foreign.ts'
import { addressOf } from './address.ts'
import { SubjectSending } from './foreign-sending.ts'
import { StreamReceiving } from './foreign-stream.ts'
import { SubjectReceiving } from './foreign-subject.ts'
import type { Link } from './link.ts'
import { dial } from './open.ts'

const timeoutMs = 10_000

/** Connects when it is called. */
function dialer(url: string, clock: Clock): { dial: () => Promise<Link>; where: string } {
  return { dial: () => dial({ url }, clock, timeoutMs), where: addressOf({ url }).where }
}

export const foreign: ForeignAdapter = {
  receive({ url, place, name, clock }, intake) {
    const common = { ...dialer(url, clock), intake, clock }
    if ('stream' in place)
      return new StreamReceiving({ ...common, place, consumer: `skerry-${name.replace('/', '-')}` })
    return new SubjectReceiving({ ...common, place: place as SubjectPlace })
  },
  send: ({ url, place, clock }) => new SubjectSending({ ...dialer(url, clock), target: place as SubjectTarget }),
}
