package dev.skerry.session;

/**
 * The VM that a session has right now.
 *
 * @param name deterministic, see {@link SandboxName}
 * @param metro code of the metro it was created in
 * @param provider name of the driver that created it
 */
public record Box(SandboxName name, String metro, String provider) {}
