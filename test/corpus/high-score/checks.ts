import type { Checks } from '../checks.ts'

export const checks: Checks = { claims: { republication: { board: ['game.joined', 'game.finished'] } } }
