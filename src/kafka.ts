export { type KafkaBusOptions, openKafkaBus } from './bus/kafka/open.ts'
