// Whether packages are signed. They are when the variables of electron-builder are set, and then a
// failure to sign ends the build; without them nothing is asked for.

type Environment = Readonly<Record<string, string | undefined>>;

/** Each set is enough for Apple's notary service. */
const notaryVariables = [
  ['APPLE_API_KEY', 'APPLE_API_KEY_ID', 'APPLE_API_ISSUER'],
  ['APPLE_ID', 'APPLE_APP_SPECIFIC_PASSWORD', 'APPLE_TEAM_ID'],
  ['APPLE_KEYCHAIN', 'APPLE_KEYCHAIN_PROFILE'],
] as const;

export function macSigning(environment: Environment): {
  readonly wanted: boolean;
  readonly notarize: boolean;
} {
  const wanted = isSet(environment, 'CSC_LINK') || isSet(environment, 'CSC_NAME');
  const complete = notaryVariables.some((names) => names.every((name) => isSet(environment, name)));
  // Only what is signed can be notarised.
  return { wanted, notarize: wanted && complete };
}

export function windowsSigning(environment: Environment): { readonly wanted: boolean } {
  return { wanted: isSet(environment, 'WIN_CSC_LINK') || isSet(environment, 'CSC_LINK') };
}

function isSet(environment: Environment, name: string): boolean {
  return (environment[name] ?? '') !== '';
}
