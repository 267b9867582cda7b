/** A process that runs the mirror on the files of the folder it is in, until its input ends; tests kill it. */
import { start } from 'skerry'
import { mirror } from './mirror.ts'

const app = await start([mirror(JSON.parse(process.argv[2] ?? ''))], { durability: 'normal' })
console.log('running')
process.stdin.resume().on('end', () => void app.stop())
