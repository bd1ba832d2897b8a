/** The command that runs a config; its argument is the config's URI. */
export const RUN_COMMAND = 'quantsmith.server.run';
/** The command that compares the settings of overflow_fix; its argument is the config's URI. */
export const OVERFLOW_COMMAND = 'quantsmith.server.overflow';

/** The command that compares every layer with the float model; its argument is the config's URI. */
export const SWEEP_COMMAND = 'quantsmith.server.sweep';
export const DEBUG_COMMAND = 'quantsmith.server.debug';

/** A command of the client: where the user allows, or forbids, the modules of configs to run. */
export const MANAGE_TRUST_COMMAND = 'quantsmith.manageTrust';
