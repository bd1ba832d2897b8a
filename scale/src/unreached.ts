import type { Redis } from 'ioredis';

/** Follows why a server cannot be reached, from now on: " (the connection was refused)", or '' where nothing was said. */
export function unreached(redis: Redis): () => string {
  let reason = '';
  redis.on('error', (error: unknown) => (reason = reasonOf(error)));

  return () => (reason === '' ? '' : ` (${reason})`);
}

/** What is commonly wrong, in words. Codes are those of the system, of TLS and of Redis. */
const REASONS: readonly (readonly [RegExp, string])[] = [
  [/ECONNREFUSED/, 'the connection was refused'],
  [/ENOTFOUND|EAI_AGAIN/, 'its name is unknown'],
  [/ETIMEDOUT|EHOSTUNREACH|ENETUNREACH/, 'there is no answer'],
  [/ECONNRESET/, 'the connection was cut: is TLS on at one end only?'],
  [/EPROTO|WRONG_VERSION_NUMBER/, 'it does not speak TLS: write redis:// without the second s'],
  [/ERR_TLS_CERT_ALTNAME_INVALID/, 'its certificate is for another name'],
  [/CERT_HAS_EXPIRED/, 'its certificate has expired'],
  [
    /SELF_SIGNED_CERT|DEPTH_ZERO|UNABLE_TO_(GET_ISSUER|VERIFY)/,
    'its certificate is of an unknown authority: name its file in NODE_EXTRA_CA_CERTS',
  ],
  [/^WRONGPASS/, 'the user or the password is wrong'],
  [/^NOAUTH/, 'it wants a password'],
];

/** A connection that tries several addresses fails with several errors. */
function reasonOf(error: unknown): string {
  if (error instanceof AggregateError) return reasonOf(error.errors[0]);
  if (!(error instanceof Error)) return '';
  const code = 'code' in error ? String(error.code) : '';
  const known = REASONS.find(([pattern]) => pattern.test(code) || pattern.test(error.message));

  return known?.[1] ?? error.message;
}
