/**
 * Switches the runtime's telemetry off, before the runtime is loaded: it would write a device id, an event database and
 * logs into the user's cache and temporary folder, and send them. Imported first wherever the runtime is.
 */
process.env['ORT_DISABLE_TELEMETRY'] = '1';
