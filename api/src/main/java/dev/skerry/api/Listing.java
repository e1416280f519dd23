package dev.skerry.api;

/**
 * A whole listing that is never long.
 *
 * @param data everything there is
 */
public record Listing<T>(java.util.List<T> data) {}
