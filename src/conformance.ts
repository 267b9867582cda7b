/** The suites with which an engine proves itself: `skerry/conformance`, for node's own test runner. */
export { type BusFixture, busConformance, type Limits, type MakeBusFixture } from './bus/conformance.ts'
export {
  type FlowFixture,
  flowConformance,
  type JoinElsewhere,
  type MakeFlowFixture,
  type Part,
} from './flow/conformance.ts'
export { type MakeStoreFixture, type OpenElsewhere, type StoreFixture, storeConformance } from './store/conformance.ts'
