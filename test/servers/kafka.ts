import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { ServerKind } from './kinds.ts'
import { findProgram, freePort, LOOPBACK, launch } from './process.ts'

/** Jars are kept beside the dependencies, by version: they are fetched once, by the first start. */
const cache = fileURLToPath(new URL('../../node_modules/.cache/skerry/', import.meta.url))
const java = findProgram('java')
const maven = findProgram('mvn')
const javaNeeded = 17
const remedy = `apt-get install default-jre-headless maven (Java ${javaNeeded} or newer; Kafka itself is fetched from Maven Central by the first start)`

/** Apache Kafka in KRaft mode, one node that is broker and controller, from its Maven artefacts. */
export function kafkaOf(version: string): ServerKind {
  return {
    remedy,
    version: () => (javaVersion() >= javaNeeded && (isCached(version) || maven !== undefined) ? version : undefined),
    async start(folder, { port: wanted, settings }) {
      if (java === undefined) throw new Error(`java is missing: ${remedy}`)
      const classpath = join(fetchKafka(version), '*')
      const port = wanted ?? (await freePort())
      const config = join(folder, 'server.properties')
      await writeFile(config, propertiesOf(folder, port, await freePort(), settings))
      if (!existsSync(join(folder, 'data', 'meta.properties'))) format(classpath, config)
      const args = [...options, '-cp', classpath, 'kafka.Kafka', config]
      return launch({ file: java, args, port, readyText: 'Kafka Server started', startWithinMs: 60_000 })
    },
  }
}

let foundJava: number | undefined

/** 0 where there is none. */
function javaVersion(): number {
  const said = (): string => spawnSync(java as string, ['-version'], { encoding: 'utf8' }).stderr ?? ''
  foundJava ??= java === undefined ? 0 : Number(/version "(\d+)/.exec(said())?.[1] ?? 0)
  return foundJava
}

/** Small, and quick to start: one start serves a test file. */
const options = [
  '-Xms128m',
  '-Xmx384m',
  '-XX:TieredStopAtLevel=1',
  '-XX:+UseSerialGC',
  '-Dorg.slf4j.simpleLogger.defaultLogLevel=warn',
  // The line that says it is ready.
  '-Dorg.slf4j.simpleLogger.log.kafka.server.KafkaRaftServer=info',
]

function propertiesOf(
  folder: string,
  port: number,
  controllerPort: number,
  more: Readonly<Record<string, string>> = {},
): string {
  const settings: Record<string, string | number> = {
    'process.roles': 'broker,controller',
    'node.id': 1,
    'controller.quorum.voters': `1@${LOOPBACK}:${controllerPort}`,
    'controller.listener.names': 'CONTROLLER',
    listeners: `PLAINTEXT://${LOOPBACK}:${port},CONTROLLER://${LOOPBACK}:${controllerPort}`,
    'advertised.listeners': `PLAINTEXT://${LOOPBACK}:${port}`,
    'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT',
    'log.dirs': join(folder, 'data'),
    // One node: nothing to replicate to. Topics must not appear by being asked for.
    'offsets.topic.replication.factor': 1,
    'offsets.topic.num.partitions': 4,
    'transaction.state.log.replication.factor': 1,
    'transaction.state.log.min.isr': 1,
    'auto.create.topics.enable': 'false',
    // By default each partition takes 20 MB for its indexes at once, and a removed one stays for a minute.
    'log.index.size.max.bytes': 64 * 1024,
    'log.segment.delete.delay.ms': 1000,
    // A first member waits for others by default, three seconds.
    'group.initial.rebalance.delay.ms': 0,
    // Tests in which processes die set short sessions.
    'group.min.session.timeout.ms': 1000,
    // After a kill it waits for its own earlier session to end, nine seconds by default.
    'broker.session.timeout.ms': 2000,
    'broker.heartbeat.interval.ms': 500,
    ...more,
  }
  return Object.entries(settings)
    .map(([name, value]) => `${name}=${value}\n`)
    .join('')
}

function format(classpath: string, config: string): void {
  const cluster = 'c2tlcnJ5LXRlc3Qta2Fma2E'
  run(java as string, [...options, '-cp', classpath, 'kafka.tools.StorageTool', 'format', '-t', cluster, '-c', config])
}

function folderOf(version: string): string {
  return join(cache, `kafka-${version}`)
}

function isCached(version: string): boolean {
  return existsSync(folderOf(version)) && readdirSync(folderOf(version)).some((name) => name.startsWith('kafka_'))
}

/** The folder of the jars; fetches them where they are missing. */
export function fetchKafka(version: string): string {
  const target = folderOf(version)
  if (isCached(version)) return target
  if (maven === undefined) throw new Error(`Kafka ${version} is not here and mvn is missing: apt-get install maven`)
  const work = join(cache, `fetching-${process.pid}`)
  mkdirSync(work, { recursive: true })
  writeFileSync(join(work, 'pom.xml'), pomOf(version))
  run(maven, ['-q', '-B', '-f', join(work, 'pom.xml'), 'dependency:copy-dependencies', '-DoutputDirectory=jars'])
  // A second process may have fetched them at the same time: whoever is first wins.
  if (!isCached(version)) renameSync(join(work, 'jars'), target)
  rmSync(work, { recursive: true, force: true })
  return target
}

const pomOf = (version: string): string => `<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>skerry.test</groupId>
  <artifactId>kafka</artifactId>
  <version>1</version>
  <packaging>pom</packaging>
  <dependencies>
    <dependency>
      <groupId>org.apache.kafka</groupId>
      <artifactId>kafka_2.13</artifactId>
      <version>${version}</version>
      <scope>runtime</scope>
    </dependency>
    <dependency>
      <groupId>org.slf4j</groupId>
      <artifactId>slf4j-simple</artifactId>
      <version>1.7.36</version>
      <scope>runtime</scope>
    </dependency>
  </dependencies>
</project>
`

function run(file: string, args: readonly string[]): void {
  const { status, stdout, stderr, error } = spawnSync(file, args, { encoding: 'utf8' })
  if (status === 0) return
  const said = `${stdout ?? ''}${stderr ?? ''}`.trim().split('\n').slice(-3).join(' | ')
  throw new Error(`${file} failed: ${said}`, { cause: error })
}
