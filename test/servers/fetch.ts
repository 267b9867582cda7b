// Run by continuous integration before the tests: `node test/servers/fetch.ts`.
import { fetchServers } from './servers.ts'

fetchServers()
