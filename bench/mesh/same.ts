/** What is the same for all who speak HTTP. */
import { deadlineHeader } from '../../src/mesh/resilience/deadline.ts'
import { timeoutMs } from './work.ts'

/** Nobody connects anew between two of its blocks. */
export const idleMs = 60_000

/** What Skerry's client sends beside the body; the bare one, too. */
export const headers = { 'content-type': 'application/json', [deadlineHeader]: String(timeoutMs) }
