package dev.skerry.api;

import dev.skerry.api.problem.ApiException;
import org.jspecify.annotations.Nullable;

/** How much a page holds. */
public final class PageLimit {
    private PageLimit() {}

    /** {@code asked}, or {@code byDefault}; refuses what is not between 1 and {@code most}. */
    public static int of(@Nullable Integer asked, int byDefault, int most) {
        if (asked == null) {
            return byDefault;
        }
        if (asked < 1 || asked > most) {
            throw ApiException.invalid("limit", "Must be between 1 and " + most + ".");
        }
        return asked;
    }
}
