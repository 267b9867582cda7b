import type { ServiceName } from '../services.ts'
import type { Question } from './answer.ts'
import type { Vitals } from './vitals.ts'

/** From the supervisor to a service process. */
export type Request =
  | { readonly kind: 'ping' }
  | { readonly kind: 'ask'; readonly id: number; readonly service: ServiceName; readonly question: Question }

/** From a service process to its supervisor. */
export type Reply =
  | { readonly kind: 'ready' }
  | { readonly kind: 'pong'; readonly vitals: Vitals }
  | { readonly kind: 'answer'; readonly id: number; readonly answer: unknown }
  | { readonly kind: 'refusal'; readonly id: number; readonly message: string }
