import assert from 'node:assert/strict'
import { test } from 'node:test'
import { modulesOf, unaffected } from './affected.ts'
import { type Imports, namedIn } from './imports.ts'

const imports: Imports = new Map(
  Object.entries({
    '/app/services.ts': ['/app/orders/service.ts', '/app/stock/service.ts', '/app/list.ts'],
    '/app/list.ts': [],
    '/app/orders/service.ts': ['/app/orders/contract.ts', '/app/orders/migrations/'],
    '/app/orders/charge.ts': ['/app/orders/service.ts', '/app/money.ts'],
    '/app/orders/contract.ts': [],
    '/app/stock/service.ts': ['/app/orders/contract.ts', '/app/stock/count.ts'],
    '/app/stock/count.ts': [],
    '/app/money.ts': [],
  }).map(([file, names]) => [file, new Set(names)]),
)
const makers = new Map([
  ['orders', '/app/orders/service.ts'],
  ['stock', '/app/stock/service.ts'],
])

function checked(...files: string[]): string[] {
  const changes = { root: '/app', since: 'the last commit', files: files.map((file) => `/app/${file}`) }
  const why = unaffected({ changes, imports, makers, path: '/app' })
  const pairs = [
    { service: 'orders', a: 'shop.placed', b: 'shop.cancelled' },
    { service: 'stock', a: 'shop.placed', b: 'orders.paid' },
    { service: 'stock', a: 'shop.placed', b: 'shop.placed' },
  ]
  return pairs.filter((pair) => why(pair) === undefined).map(({ service, a, b }) => `${service}: ${a} × ${b}`)
}

const orders = 'orders: shop.placed × shop.cancelled'
const stock = ['stock: shop.placed × orders.paid', 'stock: shop.placed × shop.placed']

test('a module that changed affects its service, and the pairs of others with its events', () => {
  assert.deepEqual(checked('orders/service.ts'), [orders, stock[0]])
  assert.deepEqual(checked('stock/count.ts'), stock)
  assert.deepEqual(checked('README.md'), [])
})

test('a contract affects all who import it, a list of services all that it lists', () => {
  assert.deepEqual(checked('orders/contract.ts'), [orders, ...stock])
  assert.deepEqual(checked('list.ts'), [orders, ...stock])
})

test('migrations, and modules that add handlers, belong to their service', () => {
  assert.deepEqual(checked('orders/migrations/0002-paid.sql'), [orders, stock[0]])
  assert.deepEqual(checked('money.ts'), [orders, stock[0]])
  assert.ok(!modulesOf('stock', imports, makers).has('/app/money.ts'))
})

test('libraries that changed affect everything, elsewhere nothing', () => {
  assert.deepEqual(checked('package-lock.json'), [orders, ...stock])
  assert.deepEqual(checked('other/package.json'), [])
})

test('what is imported later and what lies beside is named', () => {
  const source = `const a = await import('./a.ts')
    service(X, { migrations: new URL("../migrations/", import.meta.url) }); import(name)`
  assert.deepEqual(namedIn('/app/x y/service.ts', source), ['/app/x y/a.ts', '/app/migrations/'])
})
