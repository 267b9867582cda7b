import { flowConformance } from '../conformance.ts'
import { kafkaFixture, onBroker, slowParts } from './fixture.ts'

onBroker((broker) => flowConformance('kafka bus, sqlite store', () => kafkaFixture(broker()), slowParts))
