/** What this application's things are called at the server. */
export interface Names {
  readonly events: string
  readonly bus: string
  reader(subscription: string): string
  inbox(service: string, store: string): string
}

export function namesOf(app: string): Names {
  const base = `skerry.${app}`
  return {
    events: `${base}.events`,
    bus: `${base}.bus`,
    reader: (subscription) => `${base}.reader.${subscription}`,
    // The store's identity keeps two stores of one service apart; a part of it does.
    inbox: (service, store) => `${base}.inbox.${service}.${store.slice(0, 12)}`,
  }
}

/**
 * Quorum queues are replicated, and synced before they confirm. Redeliveries are counted there, and from version 4 on an
 * event would be dropped after 20 of them: here it is the consumer's store that decides when to give up.
 */
export const quorum = { 'x-queue-type': 'quorum', 'x-delivery-limit': 1_000_000_000 } as const
