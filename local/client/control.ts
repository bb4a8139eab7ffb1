/**
 * Asks the emulator's own endpoints below `/_twin/` (rules of failure, lost zones), which AWS has not.
 * @param endpoint of the emulator. @throws Error with its answer when it refuses
 */
export const control = async <T = unknown>(
  endpoint: string,
  method: 'GET' | 'POST' | 'PUT' | 'DELETE',
  path: string,
  body?: unknown,
): Promise<T> => {
  const answer = await fetch(`${endpoint}/_twin/${path}`, {
    method,
    ...(body === undefined ? {} : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
  });
  if (!answer.ok) throw new Error(`${method} /_twin/${path} was answered ${answer.status}: ${(await answer.text()).slice(0, 500)}`);
  return (await answer.json()) as T;
};
