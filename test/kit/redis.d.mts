import type { ChildProcess } from 'node:child_process';

export declare const hasRedis: boolean;
export declare function freePort(): Promise<number>;
export declare function spawnRedis(port: number, folder: string, more?: readonly string[]): ChildProcess;
