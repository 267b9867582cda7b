import { call } from './call.ts'
import { check } from './check.ts'
import type { Command } from './command.ts'
import { contractCommands } from './contracts.ts'
import { deadCommands } from './dead.ts'
import { endpoints } from './endpoints.ts'
import { independence } from './independence.ts'
import { pause, resume } from './pausing.ts'
import { plan } from './plan.ts'
import { publish } from './publish.ts'
import { rebuild } from './rebuild.ts'
import { registry } from './registry.ts'
import { routeCommands } from './routes.ts'
import { run } from './run.ts'
import { status } from './status.ts'
import { forget, list } from './subscriptions.ts'
import { tail } from './tail.ts'

/** All there are, in the order of the help. */
export const commands: readonly Command[] = [
  run,
  plan,
  check,
  ...contractCommands,
  publish,
  call,
  tail,
  status,
  independence,
  registry,
  endpoints,
  ...routeCommands,
  ...deadCommands,
  pause,
  resume,
  list,
  forget,
  rebuild,
]
