// A module that is no driver.
export const answer = 42;
