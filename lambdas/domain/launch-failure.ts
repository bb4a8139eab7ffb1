/** The JobManager's host before the one that was to be launched is still ending: the group tries again, and what is wrong with the zone shows then. */
export const isInterfaceInUse = (message: string): boolean => /Interface: \[eni-[^\]]*\] in use/i.test(message);
