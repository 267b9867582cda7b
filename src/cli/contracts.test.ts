import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { Terminal } from './fixture.ts'

const shop = fileURLToPath(new URL('../mesh/server/http/fixture.ts', import.meta.url))

let terminal: Terminal
before(async () => {
  terminal = await Terminal.open()
  await terminal.write(
    'shop/service.ts',
    `import { shop } from ${JSON.stringify(shop)}\nexport const service = shop()\n`,
  )
})
after(() => terminal.close())

const contracts = (...args: string[]) => terminal.run(['contracts', ...args])

test('promises are written once, kept, and a broken one is named with the compatible way', async () => {
  const early = await contracts('check', 'shop')
  assert.equal(early.exit, 1)
  assert.match(early.err, /contracts\.lock\.json does not have all that is promised; run: skerry contracts lock/)
  assert.equal((await contracts('lock', 'shop')).exit, 0)
  const kept = await contracts('check', 'shop')
  assert.deepEqual([kept.exit, kept.out], [0, 'every promise is kept\n'])
  const file = join(terminal.folder, 'contracts.lock.json')
  const lock = JSON.parse(await readFile(file, 'utf8'))
  lock.services.shop.events.placed.data = {
    type: 'object',
    properties: { gone: { type: 'string' } },
    required: ['gone'],
  }
  await terminal.write('old.json', JSON.stringify(lock))
  for (const command of ['check', 'lock']) {
    const broken = await contracts(command, 'shop', '--lock', 'old.json')
    assert.equal(broken.exit, 1)
    assert.match(broken.out, /^shop\.placed gone: it is gone; keep it.*; or raise the version to 2/)
  }
  assert.deepEqual(
    JSON.parse(await readFile(join(terminal.folder, 'old.json'), 'utf8')),
    lock,
    'and nothing was written',
  )
})

test('what protobuf cannot say is named, instead of being printed', async () => {
  const refused = await contracts('proto', 'shop', '--lock', 'none.json')
  assert.equal(refused.exit, 1)
  assert.match(refused.err, /shop\.echo input cannot be said in protobuf: it is no object/)
})

test('a service is run with gRPC once its calls have numbers', async () => {
  const index = new URL('../index.ts', import.meta.url).href
  await terminal.write(
    'clock/service.ts',
    `import { call, contract, service } from ${JSON.stringify(index)}
     import { z } from ${JSON.stringify(import.meta.resolve('zod'))}
     const tell = call({ input: z.object({}), output: z.object({ at: z.string() }), readOnly: true })
     const Clock = contract('clock', { events: {}, calls: { tell } })
     export const clock = service(Clock).serve(Clock.tell, (tx) => ({ at: tx.now().toISOString() }))`,
  )
  const started = () => terminal.start('run', 'clock', '--dir', 'c', '--json', '--grpc', '127.0.0.1:0')
  assert.match((await started().ended).err, /TellReply\.at has no number in the lock; run: skerry contracts lock/)
  assert.equal((await contracts('lock', 'clock')).exit, 0)
  assert.match((await contracts('proto', 'clock')).out, /rpc Tell \(TellRequest\) returns \(TellReply\)/)
  const running = started()
  await running.fact({ kind: 'ready' })
  const urls = running.facts.filter(({ kind }) => kind === 'serving').map(({ url }) => String(url).split(':')[0])
  running.child.kill('SIGTERM')
  assert.equal((await running.ended).exit, 0)
  assert.deepEqual(urls, ['http', 'grpc'])
})
