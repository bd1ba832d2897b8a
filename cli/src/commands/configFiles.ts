/** Configs by their names, as the editor knows them; hidden folders, like the history of runs, are not searched. */
export const CONFIG_NAMES = ['**/*.quant.{yaml,yml,json,jsonc}', '**/quantization.{yaml,yml,json,jsonc}'];
export const NOT_SEARCHED = ['**/node_modules/**'];
