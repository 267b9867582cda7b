import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const program = fileURLToPath(new URL(`./main${import.meta.url.slice(-3)}`, import.meta.url))
const library = new URL(`../index${import.meta.url.slice(-3)}`, import.meta.url).href

export interface Ended {
  readonly exit: number | null
  readonly out: string
  readonly err: string
}

/** One command that is running. */
export class Started {
  readonly child: ChildProcess
  readonly ended: Promise<Ended>
  #out = ''
  #err = ''
  #look: () => void = () => {}

  constructor(child: ChildProcess) {
    this.child = child
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.#out += text
      this.#look()
    })
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#err += text
      this.#look()
    })
    this.ended = new Promise((resolve) =>
      child.once('close', (exit) => {
        resolve({ exit, out: this.#out, err: this.#err })
        this.#look()
      }),
    )
  }

  /** The JSON lines that it has printed. */
  get facts(): Record<string, unknown>[] {
    const lines = `${this.#out}${this.#err}`.split('\n').filter((line) => line.startsWith('{'))
    return lines.map((line) => JSON.parse(line) as Record<string, unknown>)
  }

  /** Resolves with the n-th line that matches, once it was printed. */
  async fact(wanted: Record<string, unknown>, n = 1): Promise<Record<string, unknown>> {
    for (;;) {
      const found = this.facts.filter((fact) => Object.entries(wanted).every(([name, value]) => fact[name] === value))[
        n - 1
      ]
      if (found) return found
      if (this.child.stdout?.closed)
        throw new Error(`it ended without ${JSON.stringify(wanted)}: ${this.#out}${this.#err}`)
      await new Promise<void>((resolve) => (this.#look = resolve))
    }
  }
}

/** Runs git in a folder as nobody in particular: what the machine or a hook has configured does not count. */
export function gitIn(folder: string): (...args: string[]) => void {
  const who = ['-c', 'user.name=a', '-c', 'user.email=a@example.org']
  const own = Object.entries(process.env).filter(([name]) => !name.startsWith('GIT_'))
  const env = { ...Object.fromEntries(own), GIT_CONFIG_GLOBAL: '/dev/null' }
  return (...args) => void execFileSync('git', [...who, ...args], { cwd: folder, env, stdio: 'ignore' })
}

/** A folder of its own, and the real command line in it. */
export class Terminal {
  readonly folder: string
  /** Beside what this process has of its own. */
  readonly env: NodeJS.ProcessEnv = {}
  readonly #started = new Set<Started>()

  constructor(folder: string) {
    this.folder = folder
  }

  static async open(): Promise<Terminal> {
    const folder = await mkdtemp(join(tmpdir(), 'skerry-cli-'))
    await writeFile(join(folder, 'package.json'), '{"type":"module"}')
    return new Terminal(folder)
  }

  start(...args: string[]): Started {
    const unset = /^(SKERRY_.*|GIT_.*|GITHUB_.*|FORCE_COLOR|NODE_OPTIONS)$/
    const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !unset.test(name)))
    const started = new Started(
      spawn(process.execPath, [program, ...args], { cwd: this.folder, env: { ...env, ...this.env } }),
    )
    this.#started.add(started)
    void started.ended.then(() => this.#started.delete(started))
    return started
  }

  /** Runs a command to its end. */
  async run(args: readonly string[], input?: string): Promise<Ended> {
    const started = this.start(...args)
    started.child.stdin?.on('error', () => {}).end(input ?? '')
    return started.ended
  }

  /** Runs a command with `--json`, and gives what it printed. */
  async ask(...args: string[]): Promise<unknown> {
    const { exit, out, err } = await this.run([...args, '--json'])
    if (exit !== 0) throw new Error(`skerry ${args.join(' ')}: exit ${exit}: ${err}`)
    return JSON.parse(out)
  }

  /** Publishes one event for each of some data to the stream `people`. */
  async publish(dir: string, ...names: string[]): Promise<void> {
    const lines = names.map((name, i) => personArrived(`${name}-${i}`, { name }))
    const { exit, err } = await this.run(['publish', '--dir', dir], `${lines.join('\n')}\n`)
    if (exit !== 0) throw new Error(err)
  }

  async write(file: string, text: string): Promise<string> {
    const path = join(this.folder, file)
    await mkdir(join(path, '..'), { recursive: true })
    await writeFile(path, text)
    return path
  }

  async close(): Promise<void> {
    for (const { child } of this.#started) child.kill('SIGKILL')
    await Promise.all([...this.#started].map(({ ended }) => ended))
    await rm(this.folder, { recursive: true, maxRetries: 5 })
  }
}

export function personArrived(id: string, data: unknown): string {
  return JSON.stringify({
    specversion: '1.0',
    id,
    source: 'people',
    type: 'skerry.people.arrived.v1',
    subject: 'p',
    data,
  })
}

/** Words that every service of these tests begins with. */
const people = `
import { contract, event, service } from '${library}'
const named = { '~standard': { version: 1, vendor: 'test', validate: (value) =>
  typeof value?.name === 'string' ? { value } : { issues: [{ message: 'a name is missing', path: ['name'] }] } } }
export const People = contract('people', { events: { arrived: event({ data: named, key: (d) => d.name }) } })
`

/** Greets who arrives; \`poison\` cannot be greeted, \`stray\` leaves a rejection behind. */
export const greeter = `${people}
const Greeter = contract('greeter', { events: { greeted: event({ data: named, key: (d) => d.name }) } })
export const greeter = service(Greeter, { migrations: [
  { number: 1, name: 'greeting', sql: 'create table greeting (name text not null)', additive: false } ] })
greeter.subscribe('hello', { from: 'start', order: 'key' }).on(People.arrived, async (tx, { data }) => {
  if (data.name === 'stray') void Promise.reject(new Error('left behind'))
  if (data.name === 'poison') throw new (await import('${library}')).SkerryError('terminal', 'cannot greet poison')
  await tx.sql\`insert into greeting (name) values (\${data.name})\`
  await tx.publish(Greeter.greeted, data)
})
`

/** Counts who arrived; \`emits\` makes it break its word as a projection. */
export const census = (
  options: { projection?: boolean; emits?: boolean; from?: string; factor?: number } = {},
): string => `${people}
const Census = contract('census', { events: { counted: event({ data: named }) } })
export const census = service(Census, { projection: ${options.projection ?? true}, migrations: [
  { number: 1, name: 'count', sql: 'create table head (name text primary key, n integer not null)', additive: true } ] })
census.subscribe('count', { from: '${options.from ?? 'start'}' }).on(People.arrived, async (tx, { data }) => {
  if (data.name === 'nobody') throw new (await import('${library}')).SkerryError('terminal', 'nobody cannot be counted')
  await tx.sql\`insert into head (name, n) values (\${data.name}, \${${options.factor ?? 1}})
    on conflict (name) do update set n = head.n + excluded.n\`
  ${options.emits ? 'await tx.publish(Census.counted, data)' : ''}
})
`

/** Two services: one sends a call for whoever arrives, and says what it came to; \`poison\` is never answered. */
export const office = `${people}
import { call } from '${library}'
const pay = call({ input: named, output: named, senders: ['wages'] })
const Bank = contract('bank', { events: {}, calls: { pay } })
const Wages = contract('wages', { events: { told: event({ data: named }) } })
export const bank = service(Bank).serve(Bank.pay, async (_tx, { input }) => {
  if (input.name === 'poison') throw new (await import('${library}')).SkerryError('terminal', 'no such account')
  return { name: 'paid ' + input.name }
})
export const wages = service(Wages)
wages.on(People.arrived, { name: 'pay', from: 'start' }, async (tx, { data }) => void (await tx.send(Bank.pay, data)))
wages.onReply(Bank.pay, { name: 'paid', from: 'start' }, async (tx, { data }) => {
  if (data.output.name === 'paid nobody') throw new (await import('${library}')).SkerryError('terminal', 'whom?')
  await tx.publish(Wages.told, data.output)
})
`

/** Between two foreign topics. */
export const mirror = `${people}
const Mirror = contract('mirror', { events: { ordered: event({ data: named }) } })
export const mirror = service(Mirror)
mirror
  .source('old-shop', {
    url: 'amqp://me:secret@127.0.0.1',
    queue: 'mirror',
    bind: { exchange: 'events', routingKey: 'event' },
    id: 'message-id',
  })
  .on(Mirror.ordered, ({ text }) => JSON.parse(text))
mirror
  .sink('old-till', { url: 'kafka://me:secret@127.0.0.1', topic: 'till', from: 'now' })
  .on(Mirror.ordered, ({ data }) => JSON.stringify(data))
`
