package dev.skerry.controlplane.problem;

import jakarta.servlet.http.HttpServletRequest;

/** Published when a call is refused, so that it can be recorded. */
public record RefusedCall(HttpServletRequest request, RefusedException refused) {}
