/** The contract as a `.proto`, for whoever speaks gRPC. */
import { emptyLock, grown } from '../../src/contracts/lock.ts'
import { protoOf } from '../../src/contracts/proto.ts'
import { Echo } from './work.ts'

export const proto = protoOf(Echo, grown(emptyLock, [Echo]).services.echo?.numbers ?? {})
