import type { Down, Up } from './protocol.ts'
import { type TurnEvent, Turns } from './turns.ts'

/** A process, as the writer knows it. */
export interface Client {
  readonly pid: number
  /** It (or its main thread) does not answer. */
  silent: boolean
  send(message: Down): void
}

interface Seat {
  readonly client: Client
  readonly number: number
  readonly member: string
  readonly room: Room
  /** It wants a turn that it does not have. */
  wants: boolean
}

interface Room {
  readonly group: string
  readonly seats: Set<Seat>
  readonly turns: Turns<Seat>
}

type Message<K extends Up['kind']> = Extract<Up, { kind: K }>

/**
 * Who is in which group, and whose turn it is. Membership is the connection: it ends with it. For a while after a change
 * of writer the roster is not settled: members are still coming back, so nobody is told who is there, and no turn is granted.
 */
export class Roster {
  readonly #rooms = new Map<string, Room>()
  readonly #seats = new Map<Client, Map<number, Seat>>()
  readonly #grantsAfter: number
  #settled = false
  #questions: { client: Client; id: number; group: string }[] = []

  constructor(grantsAfter: number) {
    this.#grantsAfter = grantsAfter
  }

  settle(): void {
    this.#settled = true
    for (const { client, id, group } of this.#questions) this.members(client, id, group)
    this.#questions = []
    for (const room of this.#rooms.values()) {
      this.#tell(room.turns.open())
      this.#changed(room)
    }
  }

  join(client: Client, { seat: number, group, member, grant }: Message<'join'>): void {
    const room = this.#room(group)
    const seat: Seat = { client, number, member, room, wants: false }
    let own = this.#seats.get(client)
    if (!own) {
      own = new Map()
      this.#seats.set(client, own)
    }
    own.set(number, seat)
    room.seats.add(seat)
    if (grant > 0) this.#tell(room.turns.adopt(seat, grant))
    if (this.#settled) this.#changed(room, seat)
  }

  leave(client: Client, number: number): void {
    const seat = this.#find(client, number)
    if (!seat) return
    this.#seats.get(client)?.delete(number)
    this.#remove(seat)
  }

  /** The connection ended. */
  disconnect(client: Client): void {
    const own = this.#seats.get(client)
    this.#seats.delete(client)
    for (const seat of own?.values() ?? []) this.#remove(seat)
  }

  nudge(client: Client, number: number): void {
    const seat = this.#find(client, number)
    for (const other of seat?.room.seats ?? [])
      if (other !== seat) other.client.send({ kind: 'changed', seat: other.number, change: 'nudge' })
  }

  want(client: Client, number: number): void {
    const seat = this.#find(client, number)
    if (!seat) return
    seat.wants = true
    if (!client.silent) this.#tell(seat.room.turns.ask(seat))
  }

  yield(client: Client, number: number, grant: number): void {
    const seat = this.#find(client, number)
    if (seat) this.#tell(seat.room.turns.yield(seat, grant))
  }

  /** A process that does not answer loses its turns and leaves the lists; one that answers again is back. */
  silence(client: Client, silent: boolean): void {
    if (client.silent === silent) return
    client.silent = silent
    for (const seat of this.#seats.get(client)?.values() ?? []) {
      if (silent) this.#tell(seat.room.turns.drop(seat))
      else if (seat.wants) this.#tell(seat.room.turns.ask(seat))
      if (this.#settled) this.#changed(seat.room, seat)
    }
  }

  members(client: Client, id: number, group: string): void {
    if (!this.#settled) {
      this.#questions.push({ client, id, group })
      return
    }
    const names = new Set<string>()
    for (const seat of this.#rooms.get(group)?.seats ?? []) if (!seat.client.silent) names.add(seat.member)
    client.send({ kind: 'answer', id, value: [...names].sort() })
  }

  #room(group: string): Room {
    const known = this.#rooms.get(group)
    if (known) return known
    const room: Room = { group, seats: new Set(), turns: new Turns(this.#grantsAfter) }
    if (this.#settled) room.turns.open()
    this.#rooms.set(group, room)
    return room
  }

  #find(client: Client, number: number): Seat | undefined {
    return this.#seats.get(client)?.get(number)
  }

  #remove(seat: Seat): void {
    const { room } = seat
    room.seats.delete(seat)
    this.#tell(room.turns.drop(seat))
    if (room.seats.size === 0) this.#rooms.delete(room.group)
    else if (this.#settled) this.#changed(room)
  }

  #tell(events: readonly TurnEvent<Seat>[]): void {
    for (const { kind, member: seat, grant } of events) {
      if (kind === 'granted') seat.wants = false
      seat.client.send({ kind, seat: seat.number, grant })
    }
  }

  #changed(room: Room, except?: Seat): void {
    for (const seat of room.seats)
      if (seat !== except) seat.client.send({ kind: 'changed', seat: seat.number, change: 'members' })
  }
}
