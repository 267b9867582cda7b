import { type ErrorCode, messageOf, SkerryError } from '../../errors.ts'

/** Broker answers, by Kafka's own names, that mean something else than "not now". */
const meanings: Readonly<Record<string, ErrorCode>> = {
  MESSAGE_TOO_LARGE: 'event_too_large',
  RECORD_LIST_TOO_LARGE: 'event_too_large',
  TOPIC_AUTHORIZATION_FAILED: 'unauthorized',
  GROUP_AUTHORIZATION_FAILED: 'unauthorized',
  CLUSTER_AUTHORIZATION_FAILED: 'unauthorized',
  SASL_AUTHENTICATION_FAILED: 'unauthorized',
  UNSUPPORTED_SASL_MECHANISM: 'unauthorized',
  INVALID_REPLICATION_FACTOR: 'invalid_config',
  INVALID_TOPIC_EXCEPTION: 'invalid_config',
  INVALID_PARTITIONS: 'invalid_config',
  INVALID_SESSION_TIMEOUT: 'invalid_config',
  POLICY_VIOLATION: 'invalid_config',
}

/** What the client threw, as one of ours: the place, the reason in one line, the cause kept. */
export function explain(error: unknown, where: string): SkerryError {
  if (error instanceof SkerryError) return error
  const all = causesOf(error)
  const code = all.map((one) => meaning(one)).find((found) => found !== undefined) ?? 'unavailable'
  return new SkerryError(code, `${where}: ${reasonOf(all)}`, { cause: error })
}

/** True when Kafka answered with this error code, somewhere within. */
export function answered(error: unknown, ...apiIds: readonly string[]): boolean {
  return causesOf(error).some((one) => apiIds.includes(idOf(one)))
}

function meaning(error: object): ErrorCode | undefined {
  if ('code' in error && error.code === 'PLT_KFK_AUTHENTICATION') return 'unauthorized'
  if ('code' in error && error.code === 'PLT_KFK_UNSUPPORTED_API') return 'capability_absent'
  return meanings[idOf(error)]
}

function reasonOf(all: readonly object[]): string {
  const telling = all.filter((one) => meaning(one) !== undefined)
  // The outermost say only how often it was tried; the innermost says what happened.
  const reasons = (telling.length > 0 ? telling : all.filter((one) => !('errors' in one))).map(sayOne)
  return [...new Set(reasons)].slice(-2).join('; ') || 'failed without a reason'
}

function sayOne(error: object): string {
  const id = idOf(error)
  const text = messageOf(error)
  return id === '' || text.includes(id) ? text : `${id}: ${text}`
}

const idOf = (error: object): string => ('apiId' in error && typeof error.apiId === 'string' ? error.apiId : '')

/** An error and all that it holds, outermost first. */
function causesOf(error: unknown): object[] {
  const all: object[] = []
  const add = (one: unknown): void => {
    if (typeof one !== 'object' || one === null || all.includes(one)) return
    all.push(one)
    if ('errors' in one && Array.isArray(one.errors)) one.errors.forEach(add)
    if ('cause' in one) add(one.cause)
  }
  add(error)
  return all
}
