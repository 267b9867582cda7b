import type { AnyCall } from '../../call.ts'
import { type AnyContract, info } from '../../contract.ts'
import { SkerryError } from '../../errors.ts'
import { refuseUnlessAnswered, type Sendable } from '../client/exchange.ts'
import { withNulls } from '../server/nulls.ts'
import type { WireAnswer } from '../transport.ts'
import { definitionsOf, methodOf } from './definitions.ts'

interface Method {
  readonly path: string
  readonly requestSerialize: (value: object) => Buffer
  readonly responseDeserialize: (bytes: Buffer) => unknown
}

/** The calls of one contract as gRPC: what `writeCall` and `readCall` are for HTTP and frames. */
export class GrpcMessages {
  readonly #methods: ReadonlyMap<string, Method>

  /** `proto` is what `skerry contracts proto` prints: a client needs the numbers of fields that the servers have. */
  constructor(contract: AnyContract, proto: string) {
    const [service] = Object.values(definitionsOf([proto])).filter((one) => !('format' in one))
    const methods = Object.values(service ?? {}) as unknown as readonly Method[]
    const byName = new Map(methods.map((method) => [method.path.slice(method.path.lastIndexOf('/') + 1), method]))
    this.#methods = new Map(
      [...contract[info].calls.values()].flatMap((type) => {
        const method = byName.get(methodOf(type))
        return method ? [[type.name, method] as const] : []
      }),
    )
  }

  /** Throws `invalid_request` for what protobuf cannot hold, `not_found` for a call that the `.proto` does not have. */
  write(type: AnyCall, input: unknown): Sendable {
    const method = this.#methodOf(type)
    try {
      const body = method.requestSerialize(input as object)
      return { method: 'POST', path: method.path, query: '', headers: {}, body }
    } catch (cause) {
      throw new SkerryError('invalid_request', `${type.label}: its input is nothing that protobuf holds`, { cause })
    }
  }

  /** The answer's message, or throws what the call was refused with: a `Refusal` where the contract declares it. */
  read(type: AnyCall, answer: WireAnswer): unknown {
    refuseUnlessAnswered(type, answer)
    const { body } = answer
    const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength)
    const schema = type.outputSchema()
    try {
      return withNulls(this.#methodOf(type).responseDeserialize(bytes), schema, schema)
    } catch (cause) {
      throw new SkerryError('failed', `${type.label}: its answer is another message`, { cause })
    }
  }

  #methodOf(type: AnyCall): Method {
    const method = this.#methods.get(type.name)
    if (method) return method
    throw new SkerryError(
      'not_found',
      `${type.label}: the .proto does not have it; write it with: skerry contracts proto`,
    )
  }
}
