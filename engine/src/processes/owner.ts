import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';
import { sha256 } from '@quantsmith/model/files';
import { isAlive } from './alive.js';

/** A process, so that it can be told from a later one with the same number. */
export interface Owner {
  readonly host: string;
  /** The space that the number belongs to: containers of one host each count from 1. Empty where the system has none. */
  readonly namespace: string;
  readonly pid: number;
  /** When the process began, in the system's own measure; empty where the system does not say. */
  readonly begun: string;
  /** When it took the output; for people. */
  readonly since: string;
}

/** This process. */
export function thisProcess(): Owner {
  return {
    host: hostname(),
    namespace: processNamespace(),
    pid: process.pid,
    begun: begunAt(process.pid) ?? '',
    since: new Date().toISOString(),
  };
}

/** Whether an owner still runs; null: it is of another machine or container, and cannot be asked. */
export function isRunning(owner: Owner): boolean | null {
  if (owner.host !== hostname() || owner.namespace !== processNamespace()) return null;
  if (!isAlive(owner.pid)) return false;
  const begun = begunAt(owner.pid);

  return begun === null ? false : begun === '' || owner.begun === '' || begun === owner.begun;
}

export function processNamespace(): string {
  try {
    return readlinkSync('/proc/self/ns/pid');
  } catch {
    return '';
  }
}

/**
 * The space that this process's number belongs to, told from that of any other machine or container, even where those have the same host
 * name: the start of the system and its namespace. null: the system does not say.
 */
export function uniqueNamespace(): string | null {
  try {
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
    return sha256(`${boot} ${readlinkSync('/proc/self/ns/pid')}`).slice(0, 16);
  } catch {
    return null;
  }
}

/** null: the process has ended, though nobody has asked for its exit code yet; empty: not known on this system. */
function begunAt(pid: number): string | null {
  if (process.platform !== 'linux') return '';
  try {
    // pid (name) state …: the name may hold spaces and parentheses. The start is field 22.
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' || fields[0] === 'X' ? null : (fields[19] ?? '');
  } catch {
    return null;
  }
}
