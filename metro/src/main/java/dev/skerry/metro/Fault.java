package dev.skerry.metro;

import java.util.Locale;
import java.util.Optional;

/** What can go wrong on purpose. */
enum Fault {
    /** HTTP 429, with {@code Retry-After} when {@code retry_after_s} is given; no effect. */
    THROTTLE(Scope.BEFORE),
    /** The proxy's HTML page with the given {@code status}, 502, 503 or 504; no effect. */
    HTML(Scope.BEFORE),
    /** The connection is closed without an answer; no effect. */
    CUT(Scope.BEFORE),
    /** The request waits {@code delay_ms} before anything happens. */
    DELAY(Scope.BEFORE),
    /** The proxy's HTML page although the request took effect. */
    HTML_AFTER(Scope.AFTER),
    /** The connection is closed without an answer although the request took effect. */
    CUT_AFTER(Scope.AFTER),
    /** The answer of an effective request waits {@code delay_ms}. */
    DELAY_AFTER(Scope.AFTER),
    /** A list is answered as it was when it was first asked for since the rule was made. */
    STALE(Scope.LIST),
    /** The item fails as busy. */
    BUSY(Scope.ITEM),
    /** The item fails for want of quota. */
    QUOTA(Scope.ITEM),
    /** The item fails with {@code code} and {@code message}; the others of the request do not. */
    PARTIAL(Scope.ITEM),
    /** A taken name is answered with HTTP 409 instead of a failed item. */
    CONFLICT(Scope.CLASH),
    /** The image cannot be pulled: the instance stops with reason 4, code 1. */
    IMAGE_PULL(Scope.BOOT),
    /** Every pull fails until {@code delay_ms} after the rule was made, as right after a push. */
    IMAGE_SLOW(Scope.BOOT),
    /** The kernel breaks while it boots: reason 1, out of memory. */
    BOOT_CRASH(Scope.BOOT),
    /** The sandbox is killed {@code delay_ms} after it began to run. */
    DEATH(Scope.RUN),
    /** The change stays under way for {@code delay_ms}: {@code starting}, {@code stopping}. */
    SLOW(Scope.CHANGE);

    /** Where in a request's way it strikes. */
    enum Scope {
        BEFORE,
        AFTER,
        LIST,
        ITEM,
        CLASH,
        BOOT,
        RUN,
        CHANGE
    }

    private final Scope scope;

    Fault(Scope scope) {
        this.scope = scope;
    }

    Scope scope() {
        return scope;
    }

    String wire() {
        return name().toLowerCase(Locale.ROOT);
    }

    static Optional<Fault> named(String wire) {
        for (Fault fault : values()) {
            if (fault.wire().equals(wire)) {
                return Optional.of(fault);
            }
        }
        return Optional.empty();
    }
}
