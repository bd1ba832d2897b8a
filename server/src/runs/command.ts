/** The command that runs a config; its argument is the config's URI. */
export const RUN_COMMAND = 'quantsmith.server.run';
