export async function verifyPackage(
  _: unknown,
): Promise<{ name: string; problem?: string; skipped?: string }[]> {
  return [];
}
