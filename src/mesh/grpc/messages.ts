import type { AnyCall } from '../../call.ts'
import { type AnyContract, info } from '../../contract.ts'
import { SkerryError } from '../../errors.ts'
import { refuseUnlessAnswered, type Sendable } from '../client/exchange.ts'
import type { Shape } from '../server/coerce.ts'
import { mayLackNulls, withNulls } from '../server/nulls.ts'
import type { WireAnswer } from '../transport.ts'
import { definitionsOf, methodOf } from './definitions.ts'

interface Method {
  readonly path: string
  readonly requestSerialize: (value: object) => Buffer
  readonly responseDeserialize: (bytes: Buffer) => unknown
}

interface Known {
  readonly method: Method
  /** Of what is answered, where nulls may have to be filled in. */
  readonly output: Shape | undefined
}

/** The calls of one contract as gRPC: what `writeCall` and `readCall` are for HTTP and frames. */
export class GrpcMessages {
  readonly #methods: ReadonlyMap<string, Known>

  /** `proto` is what `skerry contracts proto` prints: a client needs the numbers of fields that the servers have. */
  constructor(contract: AnyContract, proto: string) {
    const [service] = Object.values(definitionsOf([proto])).filter((one) => !('format' in one))
    const methods = Object.values(service ?? {}) as unknown as readonly Method[]
    const byName = new Map(methods.map((method) => [method.path.slice(method.path.lastIndexOf('/') + 1), method]))
    this.#methods = new Map(
      [...contract[info].calls.values()].flatMap((type) => {
        const method = byName.get(methodOf(type))
        const output = type.outputSchema()
        const fills = mayLackNulls(output, output)
        return method ? [[type.name, { method, output: fills ? output : undefined }] as const] : []
      }),
    )
  }

  /** Throws `invalid_request` for what protobuf cannot hold, `not_found` for a call that the `.proto` does not have. */
  write(type: AnyCall, input: unknown): Sendable {
    const { method } = this.#known(type)
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
    const { method, output } = this.#known(type)
    try {
      const value = method.responseDeserialize(bytes)
      return output ? withNulls(value, output, output) : value
    } catch (cause) {
      throw new SkerryError('failed', `${type.label}: its answer is another message`, { cause })
    }
  }

  #known(type: AnyCall): Known {
    const known = this.#methods.get(type.name)
    if (known) return known
    throw new SkerryError(
      'not_found',
      `${type.label}: the .proto does not have it; write it with: skerry contracts proto`,
    )
  }
}
