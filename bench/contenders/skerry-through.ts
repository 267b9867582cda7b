/**
 * Publish and handle, the whole way over an engine: 256 publishes in flight, each confirmed, beside a subscription whose
 * handler does nothing and whose position is kept in the store. Timed until the position is on disk behind the last
 * event; opening and the first look at the engine are not timed, as connecting is not for the engine's own client.
 */
import { contend, option } from '../contender.ts'
import { IN_FLIGHT } from '../in-flight.ts'
import { publishAll } from './skerry.ts'
import { timed } from './skerry-sink.ts'

await contend((run) => timed(run, 'work', (app) => publishAll(app, run.events, option(run, 'inFlight', IN_FLIGHT))))
