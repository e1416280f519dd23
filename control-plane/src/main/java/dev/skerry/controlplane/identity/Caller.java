package dev.skerry.controlplane.identity;

/** The sandbox behind an authenticated call; a handler that takes one cannot be reached without a token that counts. */
public record Caller(String session, int incarnation) {}
