// Ends the process at once.
process.exit(3);
