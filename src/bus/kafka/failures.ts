import { causesOf, type ErrorCode, messageOf, SkerryError } from '../../errors.ts'
import { tlsError } from '../../tls.ts'

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
  const refused = tlsError(error, where)
  if (refused) return refused
  const all = causesOf(error)
  const code = all.map((one) => meaning(one)).find((found) => found !== undefined) ?? 'unavailable'
  const hungUp = code === 'unavailable' && all.some(isAuthentication)
  const hint = hungUp ? '; a broker that hangs up at the login may want TLS: ?tls=true' : ''
  return new SkerryError(code, `${where}: ${reasonOf(all)}${hint}`, { cause: error })
}

/** True when Kafka answered with this error code, somewhere within. */
export function answered(error: unknown, ...apiIds: readonly string[]): boolean {
  return causesOf(error).some((one) => apiIds.includes(idOf(one)))
}

function meaning(error: object): ErrorCode | undefined {
  // A connection that is lost while it logs in is told as a refusal, too.
  if (isAuthentication(error)) return causesOf(error).some(isOfNetwork) ? undefined : 'unauthorized'
  if ('code' in error && error.code === 'PLT_KFK_UNSUPPORTED_API') return 'capability_absent'
  return meanings[idOf(error)]
}

const isAuthentication = (error: object): boolean => 'code' in error && error.code === 'PLT_KFK_AUTHENTICATION'
const isOfNetwork = (error: object): boolean => 'code' in error && error.code === 'PLT_KFK_NETWORK'

function reasonOf(all: readonly object[]): string {
  const telling = all.filter((one) => meaning(one) !== undefined)
  // The outermost say only how often it was tried; the innermost says what happened.
  const reasons = (telling.length > 0 ? telling : all.filter((one) => !('errors' in one))).map(sayOne)
  return [...new Set(reasons)].slice(-2).join('; ') || 'failed without a reason'
}

function sayOne(error: object): string {
  const id = idOf(error)
  const text = messageOf(error).split('\n')[0] as string
  return id === '' || text.includes(id) ? text : `${id}: ${text}`
}

const idOf = (error: object): string => ('apiId' in error && typeof error.apiId === 'string' ? error.apiId : '')
