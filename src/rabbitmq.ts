export { openRabbitmqBus, type RabbitmqBusOptions } from './bus/rabbitmq/open.ts'
