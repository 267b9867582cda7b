import type { Fault } from './scene.ts'
import { brokerKilled, brokerStopped } from './strikes/broker.ts'
import { consumerKilled, consumerPaused, rebalance } from './strikes/consumers.ts'
import { credentials } from './strikes/credentials.ts'
import { backendsTerminated, databaseKilled, serialization } from './strikes/database.ts'
import { duplicates } from './strikes/duplicates.ts'
import { blackHole, cut } from './strikes/network.ts'
import { diskFull, limitReached } from './strikes/room.ts'

/** Everything that happens to a month, in the order in which it is tried. */
export const faults: readonly Fault[] = [
  ...[brokerKilled, brokerStopped, cut, blackHole],
  ...[consumerKilled, consumerPaused, rebalance],
  ...[limitReached, diskFull, credentials],
  ...[backendsTerminated, databaseKilled, serialization, duplicates],
]
