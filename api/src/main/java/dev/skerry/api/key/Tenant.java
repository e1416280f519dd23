package dev.skerry.api.key;

/**
 * Who calls.
 *
 * @param id of the tenant whose key the request carried
 */
public record Tenant(String id) {}
