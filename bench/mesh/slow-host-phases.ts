/** What happens when, in seconds from the start: from, to. */
export const phases = { slow: [10, 40], failing: [50, 65], allFailing: [65, 75], end: 75 } as const
