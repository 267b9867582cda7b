/**
 * Servers that are reached by TLS alone, with certificates of a private authority: what a URL says is enough to get there, and
 * whoever is not to be trusted, on either side, is refused in one line that names the remedy and shows no password.
 */
import assert from 'node:assert/strict'
import { chmodSync, chownSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { contract, event, type StartOptions, service, start } from 'skerry'
import { z } from 'zod'
import { SkerryError } from '../src/errors.ts'
import { onPostgres } from './faults/engines.ts'
import { type Certificates, inUrl, makeCertificates } from './servers/certificates.ts'
import { kafkaOf } from './servers/kafka.ts'
import type { Server, ServerName } from './servers/kinds.ts'
import { startNats } from './servers/nats.ts'
import { missing } from './servers/needs.ts'
import { postgres, unprivilegedOwner } from './servers/postgres.ts'
import { freePort } from './servers/process.ts'
import { missingProgram } from './servers/programs.ts'
import { rabbitmq } from './servers/rabbitmq.ts'

const password = 's3cret'

/** What a test file asks of its engine: a server with TLS that knows the user `shop`, and wants a certificate of its clients. */
interface Secure {
  readonly server: Server
  /** How the right clients come in. */
  readonly url: string
  /** And how others try to: the name of the trouble, and what they are told. */
  readonly refused: Readonly<Record<string, Refusal>>
}

interface Refusal {
  readonly url: string
  readonly told: RegExp
  /** @default unauthorized */
  readonly code?: string
}

const untrusted =
  /its certificate is not trusted \(.*\); name the certificate of its authority: \?(ca|sslrootcert)=<file>$/
const unwanted =
  /it refuses our certificate, or wants one \(.*\); give one that it accepts: \?(ssl)?cert=<file>&(ssl)?key=<file>$/

const unanswered = /does not answer \(timeout\); .* does it accept our certificate \(\?cert=<file>&key=<file>\)\?$/

const Diary = contract('diary', { events: { noted: event({ data: z.object({ n: z.number() }) }) } })

const migrations = [{ number: 1, name: 'page', additive: true, sql: 'create table page (n integer not null)' }]

function diary() {
  const one = service(Diary, { migrations })
  one.subscribe('keep', { from: 'start' }).on(Diary.noted, async (tx, { data }) => {
    await tx.sql`insert into page (n) values (${data.n})`
  })
  return one
}

/** Ten events, the whole way. */
async function arrives(options: StartOptions): Promise<void> {
  const one = diary()
  const app = await start([one], options)
  try {
    for (let n = 1; n <= 10; n++) await app.publish(Diary.noted, { n })
    await app.settled()
    assert.deepEqual(await app.read(one, (tx) => tx.sql`select count(*) as n from page`), [{ n: 10 }])
  } finally {
    await app.stop()
  }
}

async function isRefused(options: StartOptions, { told, code = 'unauthorized' }: Refusal): Promise<void> {
  const error = await start([diary()], options).then(
    async (app) => {
      await app.stop()
      assert.fail('it was let in')
    },
    (refusal: unknown) => refusal,
  )
  assert.ok(error instanceof SkerryError, String(error))
  assert.match(error.message, told)
  assert.equal(error.code, code, error.message)
  assert.match(error.message, /^\w+:\/\/\S*127\.0\.0\.1:\d+/)
  assert.doesNotMatch(error.message, /s3cret|wr0ng|\n/)
}

type Open = (folder: string, certificates: Certificates) => Promise<Secure>

/** One server for each engine. */
function onServer(
  name: string,
  skip: string | false,
  open: Open,
  places: readonly ('bus' | 'store')[] = ['bus'],
): void {
  describe(name, { skip }, () => {
    let folder = ''
    let secure: Secure
    before(async () => {
      folder = mkdtempSync(join(tmpdir(), 'skerry-tls-'))
      chmodSync(folder, 0o711)
      secure = await open(folder, makeCertificates(folder))
    })
    after(async () => {
      await secure?.server.stop()
      rmSync(folder, { recursive: true, force: true })
    })
    const dir = (): string => mkdtempSync(join(folder, 'dir-'))
    const at = (place: string, url: string): StartOptions => ({ dir: dir(), durability: 'engine', [place]: url })

    for (const place of places) {
      test(`${place}: whoever knows the authority and has a certificate of it and a password comes in, by the URL alone`, () =>
        arrives(at(place, secure.url)))

      test(`${place}: everybody else is refused in one line, with the remedy`, async () => {
        // Side by side: some are told only when nobody has answered for ten seconds.
        const tries = Object.entries(secure.refused).map(([trouble, refusal]) =>
          isRefused(at(place, refusal.url), refusal).catch((error: unknown) => {
            throw new Error(`${trouble}: ${error instanceof Error ? error.message : error}`, { cause: error })
          }),
        )
        const failed = (await Promise.allSettled(tries)).filter((one) => one.status === 'rejected')
        assert.deepEqual(
          failed.map(({ reason }) => String(reason.message)),
          [],
        )
      })
    }
  })
}

const skipped = (name: ServerName): string | false => missing(name) || missingProgram('openssl')

onServer('NATS, by TLS', skipped('nats-server'), async (folder, { ca, otherCa, server, client, stranger }) => {
  writeFileSync(
    join(folder, 'more.conf'),
    `tls { cert_file: "${server.cert}", key_file: "${server.key}", ca_file: "${ca}", verify: true }
     authorization { user: "shop", password: "${password}" }\n`,
  )
  const running = await startNats(folder, { durability: 'NORMAL', newer: false })
  const plain = await startPlain(join(folder, 'plain'))
  const at = (query: string, who = `shop:${password}`) => `tls://${who}@127.0.0.1:${running.address.port}?${query}`
  return {
    server: { ...running, stop: async () => void (await Promise.all([running.stop(), plain.stop()])) },
    url: at(inUrl(ca, client)),
    refused: {
      'no authority': { url: `nats://shop:${password}@127.0.0.1:${running.address.port}`, told: untrusted },
      'another authority': { url: at(inUrl(otherCa, client)), told: untrusted },
      // The server hangs up, and the client library keeps why to itself.
      'no certificate': { url: at(`ca=${ca}`), told: unanswered, code: 'unavailable' },
      "a stranger's certificate": { url: at(inUrl(ca, stranger)), told: unanswered, code: 'unavailable' },
      'a wrong password': { url: at(inUrl(ca, client), 'shop:wr0ng'), told: /check the credentials/ },
      'a server without TLS': {
        url: `tls://shop:${password}@127.0.0.1:${plain.address.port}?ca=${ca}`,
        told: /it speaks no TLS here \(.*\); check the port, turn TLS on there, or leave it out of the URL$/,
      },
      'a file that is missing': {
        url: at(`ca=${folder}/none.pem`),
        told: /ca cannot be read \(ENOENT.*\); name a PEM file$/,
        code: 'invalid_config',
      },
    },
  }
})

function startPlain(folder: string): Promise<Server> {
  mkdirSync(folder)
  return startNats(folder, { durability: 'NORMAL', newer: false })
}

onServer('RabbitMQ, by TLS', skipped('rabbitmq-server'), async (folder, { ca, otherCa, server, client, stranger }) => {
  const port = await freePort()
  const running = await rabbitmq.start(join(folder, 'server'), {
    durability: 'FULL',
    settings: {
      'listeners.ssl.1': `127.0.0.1:${port}`,
      'ssl_options.cacertfile': ca,
      'ssl_options.certfile': server.cert,
      'ssl_options.keyfile': server.key,
      'ssl_options.verify': 'verify_peer',
      'ssl_options.fail_if_no_peer_cert': 'true',
      default_user: 'shop',
      default_pass: password,
    },
  })
  const at = (query: string, who = `shop:${password}`) => `amqps://${who}@127.0.0.1:${port}?${query}`
  return {
    server: running,
    url: at(inUrl(ca, client)),
    refused: {
      'no authority': { url: at(''), told: untrusted },
      'another authority': { url: at(inUrl(otherCa, client)), told: untrusted },
      'no certificate': { url: at(`ca=${ca}`), told: unwanted },
      "a stranger's certificate": { url: at(inUrl(ca, stranger)), told: unwanted },
      'a wrong password': { url: at(inUrl(ca, client), 'shop:wr0ng'), told: /refuses the user/ },
      'a listener without TLS': {
        url: `amqps://shop:${password}@127.0.0.1:${running.address.port}?ca=${ca}`,
        told: /it speaks no TLS here \(.*\); check the port, turn TLS on there, or leave it out of the URL$/,
      },
      'no TLS': {
        url: `amqp://shop:${password}@127.0.0.1:${port}`,
        told: /cannot be reached: .*; is it for TLS\? Use amqps:$/,
        code: 'unavailable',
      },
      'a file that is missing': {
        url: at(`ca=${folder}/none.pem`),
        told: /ca cannot be read \(ENOENT.*\); name a PEM file$/,
        code: 'invalid_config',
      },
    },
  }
})

onServer('Kafka, by TLS', skipped('kafka'), async (folder, { ca, otherCa, server, client, stranger }) => {
  const keystore = join(folder, 'keystore.pem')
  writeFileSync(keystore, `${readFileSync(server.key)}${readFileSync(server.cert)}`)
  const login = 'org.apache.kafka.common.security.plain.PlainLoginModule required'
  const running = await kafkaOf('4.1.1').start(folder, {
    durability: 'NORMAL',
    settings: {
      'listener.security.protocol.map': 'PLAINTEXT:SASL_SSL,CONTROLLER:PLAINTEXT',
      'inter.broker.listener.name': 'PLAINTEXT',
      'ssl.keystore.type': 'PEM',
      'ssl.keystore.location': keystore,
      'ssl.truststore.type': 'PEM',
      'ssl.truststore.location': ca,
      'listener.name.plaintext.ssl.client.auth': 'required',
      'sasl.enabled.mechanisms': 'PLAIN',
      'sasl.mechanism.inter.broker.protocol': 'PLAIN',
      'listener.name.plaintext.plain.sasl.jaas.config': `${login} username="admin" password="admin" user_admin="admin" user_shop="${password}";`,
    },
  })
  const at = (query: string, who = `shop:${password}`) =>
    `kafka://${who}@127.0.0.1:${running.address.port}?mechanism=PLAIN&${query}`
  return {
    server: running,
    url: at(inUrl(ca, client)),
    refused: {
      'no authority': { url: at('tls=true'), told: untrusted },
      'another authority': { url: at(inUrl(otherCa, client)), told: untrusted },
      'no certificate': { url: at(`ca=${ca}`), told: unwanted },
      "a stranger's certificate": { url: at(inUrl(ca, stranger)), told: unwanted },
      'a wrong password': { url: at(inUrl(ca, client), 'shop:wr0ng'), told: /SASL_AUTHENTICATION_FAILED/ },
      'no TLS': { url: at(''), told: /Connection closed; .* may want TLS: \?tls=true$/, code: 'unavailable' },
      'a file that is missing': {
        url: at(`ca=${folder}/none.pem`),
        told: /ca cannot be read \(ENOENT.*\); name a PEM file$/,
        code: 'invalid_config',
      },
    },
  }
})

onServer(
  'PostgreSQL, by TLS',
  skipped('postgresql'),
  async (folder, { ca, otherCa, server, client, stranger }) => {
    const port = await freePort()
    // It is ended without a last checkpoint.
    const first = await postgres.start(folder, { durability: 'FULL', port })
    const admin = `postgres://postgres@127.0.0.1:${port}/postgres`
    await onPostgres(admin, async (sql) => {
      await sql.query(`create role shop login password '${password}'`)
      await sql.query('grant create on database postgres to shop')
    })
    await first.stop()
    const rule = 'hostssl all shop 127.0.0.1/32 scram-sha-256 clientcert=verify-ca\n'
    writeFileSync(join(folder, 'postgres', 'pg_hba.conf'), rule)
    const owner = unprivilegedOwner()
    if (owner) for (const file of Object.values(server)) chownSync(file, owner.uid, owner.gid)
    const running = await postgres.start(folder, {
      durability: 'NORMAL',
      port,
      settings: { ssl: 'on', ssl_cert_file: server.cert, ssl_key_file: server.key, ssl_ca_file: ca },
    })
    const own = ({ cert, key } = client) => `sslcert=${cert}&sslkey=${key}`
    const at = (query: string, who = `shop:${password}`) =>
      `postgres://${who}@127.0.0.1:${port}/postgres?sslmode=verify-full&${query}`
    return {
      server: running,
      url: at(`sslrootcert=${ca}&${own()}`),
      refused: {
        'no authority': { url: at(own()), told: untrusted },
        'another authority': { url: at(`sslrootcert=${otherCa}&${own()}`), told: untrusted },
        'no certificate': { url: at(`sslrootcert=${ca}`), told: unwanted },
        "a stranger's certificate": { url: at(`sslrootcert=${ca}&${own(stranger)}`), told: unwanted },
        'a wrong password': { url: at(`sslrootcert=${ca}&${own()}`, 'shop:wr0ng'), told: /check (the )?user/ },
        'no TLS': {
          url: `postgres://shop:${password}@127.0.0.1:${port}/postgres`,
          told: /it refuses us without TLS \(.*\); use TLS: \?sslmode=verify-full&sslrootcert=<file>$/,
        },
        'a file that is missing': {
          url: at(`sslrootcert=${folder}/none.pem`),
          told: /sslrootcert cannot be read \(ENOENT.*\); name a PEM file$/,
          code: 'invalid_config',
        },
      },
    }
  },
  ['bus', 'store'],
)
