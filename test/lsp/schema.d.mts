export function messageSchema(): Promise<string>;
