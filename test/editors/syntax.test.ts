import { parse } from 'smol-toml';
import { describe, expect, it } from 'vitest';
import { snippets } from './snippets.js';

// Editors that no package registry has: their snippets are read by what reads such files.

const SERVER = ['quantsmith', 'lsp', '--stdio'];

describe('docs/editors.md has snippets that can be read', () => {
  it('for Helix', () => {
    const [snippet = ''] = snippets(/^Helix/, 'toml');
    const { 'language-server': servers, language } = parse(snippet) as {
      'language-server': Record<string, { command: string; args: string[] }>;
      language: { name: string; 'language-servers': string[] }[];
    };
    const { command, args } = servers['quantsmith']!;
    expect([command, ...args]).toEqual(SERVER);
    expect(language.map(({ name }) => name)).toEqual(['quant-yaml', 'quant-json']);
    expect(language.flatMap((one) => one['language-servers'])).toEqual(['quantsmith', 'quantsmith']);
  });

  it('for Sublime Text', () => {
    const [snippet = ''] = snippets(/^Sublime/, 'json');
    expect(JSON.parse(snippet)).toMatchObject({ clients: { quantsmith: { command: SERVER } } });
  });

  it('for Zed', () => {
    const [snippet = ''] = snippets(/^Zed/, 'json');
    const [path, ...arguments_] = SERVER;
    expect(JSON.parse(snippet)).toMatchObject({
      lsp: { 'yaml-language-server': { binary: { path, arguments: arguments_ } } },
    });
  });
});
