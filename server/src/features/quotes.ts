/** The index of the quote that opens the string in which the line ends; null outside of strings. */
export function openString(line: string): number | null {
  let opened: number | null = null;
  for (let i = 0; i < line.length; i++) {
    const char = line[i]!;
    if (opened !== null) {
      if (char === '\\' && line[opened] === '"') i++;
      else if (char === line[opened]) opened = null;
    } else if (char === '"' || (char === "'" && /[\s[{,:]/.test(line[i - 1] ?? ' '))) opened = i;
  }
  return opened;
}

/** A text in the given quotes; plain when there are none and YAML would read it back as the same text. */
export function quoted(text: string, quote: '' | '"' | "'"): string {
  if (quote === "'" && !/[\n\r\t]/.test(text)) return `'${text.replaceAll("'", "''")}'`;
  if (quote === '' && /^[A-Za-z_/.][\w/.-]*$/.test(text) && !/^(true|false|null|yes|no|on|off)$/i.test(text))
    return text;
  return JSON.stringify(text);
}
