export { type NatsBusOptions, openNatsBus } from './bus/nats/open.ts'
