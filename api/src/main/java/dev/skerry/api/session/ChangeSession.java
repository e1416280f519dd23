package dev.skerry.api.session;

import org.jspecify.annotations.Nullable;

/** What a person changes about a session; what is absent stays. */
record ChangeSession(CreateSession.@Nullable Budget budget) {}
