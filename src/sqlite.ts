export { openSqliteBus } from './bus/sqlite/open.ts'
export { openSqliteStore, type SqliteStoreOptions } from './store/sqlite/open.ts'
