/**
 * Which windows are alike in load: as many events, to a factor of √2. With factors of 2, failures that grow with the load
 * still went together within a class: in simulation, false alarms at twice the nominal rate.
 */
export function loadClass(events: number): number {
  return Math.floor(2 * Math.log2(Math.max(1, events)))
}
