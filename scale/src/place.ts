/** How a Redis server is reached, in the terms of its client. */
interface ConnectionFacts {
  readonly host: string;
  readonly port: number;
  readonly db: number;
  readonly username?: string;
  readonly password?: string;
  readonly tls?: { readonly servername?: string };
  readonly maxRetriesPerRequest: null;
  readonly retryStrategy: () => number;
}

/** A Redis server, and how messages name it. */
export interface RedisPlace {
  readonly options: ConnectionFacts;
  /** Without user and password. */
  readonly name: string;
}
