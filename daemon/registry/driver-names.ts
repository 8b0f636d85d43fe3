// The names of the built-in drivers, apart from the drivers: whoever checks a name need not load them.

export const driverNames = ['servicecenter', 'eureka', 'consul', 'nacos'] as const;

export type DriverName = (typeof driverNames)[number];
