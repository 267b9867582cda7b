import type { Checks } from '../checks.ts'

export const checks: Checks = {
  once: { 'bank.paid': ['number'], 'bank.paidBack': ['number'], 'bank.corrected': ['number'] },
  leaves: { number: ['n1', 'n2', 'n3', 'n4', 'n5', 'n6'], account: ['a1', 'a2'] },
  claims: { republication: { ledger: ['bank.paid', 'bank.paidBack', 'bank.corrected'] } },
}
