// What the shell is told when it is started: `--hidden`, `--profile-dir=DIR`.

export interface CommandLine {
  /** No window at start; the tray alone (as at login). */
  readonly hidden: boolean;
  /** Settings and state of a profile of its own. */
  readonly profile: string | undefined;
}

/** Reads the arguments; what is Electron's own is left to it. */
export function readCommandLine(argv: readonly string[]): CommandLine {
  const named = argv.find((word) => word.startsWith('--profile-dir='));
  return {
    hidden: argv.includes('--hidden'),
    profile: named?.slice('--profile-dir='.length),
  };
}
