package dev.skerry.controlplane.problem;

/** Published when a request was no HTTP that a handler could be found for; nobody knows whose it was. */
public record UnreadableRequest(int status) {}
