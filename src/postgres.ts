export { openPostgresBus, type PostgresBusOptions } from './bus/postgres/open.ts'
export { appendWithin, type WithinOptions } from './bus/postgres/within.ts'
export { openPostgresStore, type PostgresStoreOptions } from './store/postgres/open.ts'
