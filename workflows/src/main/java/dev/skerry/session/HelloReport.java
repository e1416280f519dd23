package dev.skerry.session;

/**
 * What a sandbox said of itself when it came up.
 *
 * @param driver plain, bubblewrap, docker or vm
 * @param passed probes that passed
 * @param failed probes that failed, none of them required
 * @param unsupported probes that the platform cannot answer
 */
public record HelloReport(String driver, int passed, int failed, int unsupported) {}
